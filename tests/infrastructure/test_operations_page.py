"""What docs/operations.md names is there, and its commands are as it writes them."""

import re
import shlex

import pytest

from ops.aws.command import COMMANDS as ALL
from ops.aws.command import parser
from ops.aws.stage import FUNCTIONS, SIZES
from ops.aws.templates import PARTS, PROJECT, template_of

PAGE = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
NAMED = sorted(
    set(re.findall(r"`((?:tests|chalicelib|ops|nodes|scaler|migrations|\.chalice)/[\w./-]+(?:::\w+)?)`", PAGE))
)


@pytest.mark.parametrize("name", NAMED)
def test_each_file_and_test_that_is_named_is_there(name: str) -> None:
    path, _, test = name.partition("::")
    if path == ".chalice/policies/ENVIRONMENT/":
        return
    assert (PROJECT / path).exists()
    assert not test or f"def {test}(" in (PROJECT / path).read_text(encoding="utf-8")


COMMANDS = [
    line.strip().removeprefix("./ops/store ").partition("  ")[0]
    for line in PAGE.splitlines()
    if line.strip().startswith("./ops/store ")
]
SPOKEN = re.findall(r"`\./ops/store ([^`]+)`", PAGE)
TRIED = "".join(
    (PROJECT / "tests" / "operator").joinpath(name).read_text("utf-8")
    for name in ("test_there_and_back.py", "operating.py", "upgrade_under_load.py")
)


@pytest.mark.parametrize("command", sorted({*COMMANDS, *SPOKEN}))
def test_each_command_is_understood_as_it_is_written_and_tried_in_an_account_of_stand_ins(command: str) -> None:
    words = shlex.split(command)
    arguments = parser().parse_args(words)
    assert arguments.command == words[0]
    assert f'"{words[0]}"' in TRIED or words[0] == "parameters"
    for name, value in dict(getattr(arguments, "parameter", [])).items():
        told = next(template_of(part)["Parameters"][name] for part in PARTS if name in template_of(part)["Parameters"])
        assert re.fullmatch(told.get("AllowedPattern", ".*"), value), name


def test_every_command_is_on_the_page() -> None:
    assert {shlex.split(one)[0] for one in [*COMMANDS, *SPOKEN]} >= set(ALL)


def test_names_were_found() -> None:
    assert len(NAMED) > 30


@pytest.mark.parametrize("part", PARTS)
def test_each_stack_is_told_of(part: str) -> None:
    assert f"| `{part}` |" in PAGE
    assert f"`.chalice/stacks/{part}.yaml`" in PAGE


@pytest.mark.parametrize("size", SIZES)
def test_each_size_is_as_the_templates_make_it(size: str) -> None:
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {size} |")]
    database = template_of("data")["Mappings"]["Database"]["Class"][size]
    nodes = template_of("app")["Mappings"]["NodeTypes"]["arm64"][size]
    at_once = FUNCTIONS["api_handler"].at_once[SIZES.index(size)]
    for told in (database, nodes, f"| {at_once} |"):
        assert told in line


def test_each_parameter_that_is_named_is_one() -> None:
    parameters = {name for part in PARTS for name in template_of(part)["Parameters"]}
    named = set(re.findall(r"`((?:Existing|Node|Rotation|Noncurrent|Database|Site|Distribution)[A-Za-z]+)`", PAGE))
    assert named
    assert named <= parameters
