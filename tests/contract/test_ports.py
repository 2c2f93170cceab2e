"""Ports of the local run."""

import socket
from pathlib import Path

import pytest

from ops.local.ports import is_free, kept_ports


def test_the_ports_of_the_last_run_are_kept_unless_somebody_has_taken_them(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    first = kept_ports(file, ("a", "b"))
    assert len(set(first.values())) == 2
    assert all(is_free("127.0.0.1", port) for port in first.values())
    assert kept_ports(file, ("a", "b")) == first
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first["a"]))
        taken.listen(1)
        other = kept_ports(file, ("a", "b"))
    assert (other["a"] != first["a"], other["b"]) == (True, first["b"])


@pytest.mark.parametrize("text", ["", "{", "[1]", "7", '{"a": "x"}', '{"a": 80}', '{"a": true}'])
def test_a_damaged_file_is_made_anew(tmp_path: Path, text: str) -> None:
    file = tmp_path / "ports.json"
    file.write_text(text)
    ports = kept_ports(file, ("a",))
    assert ports["a"] > 1024
    assert kept_ports(file, ("a",)) == ports
