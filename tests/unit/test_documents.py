"""What the documents say of the repository is so."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_CITED = re.compile(r"`(tests/[\w/]+\.py)?(?:::(\w+))?(?:\[[^`]*\])?`")


def cited(text: str) -> Iterator[tuple[str, str]]:
    """The tests that are named, by file and name; `::name` alone is of the file named before in the same line."""
    for line in text.splitlines():
        file = ""
        for found in _CITED.finditer(line):
            file = found[1] or file
            if file:
                yield file, found[2] or ""


def test_each_test_that_holds_a_promise_of_security_is_there() -> None:
    found = list(cited((ROOT / "docs/security.md").read_text(encoding="utf-8")))
    assert len(found) > 100
    missing = [
        f"{file}::{name}"
        for file, name in found
        if not (ROOT / file).is_file() or (name and f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8"))
    ]
    assert missing == []
