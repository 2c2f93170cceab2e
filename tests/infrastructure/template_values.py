"""Ways through a template's plain values."""

from collections.abc import Iterator, Mapping
from typing import Any

NO_VALUE = {"Ref": "AWS::NoValue"}


def alternatives(value: Any) -> Iterator[Any]:
    """What a value may be: both branches of each Fn::If, and of those within."""
    if isinstance(value, dict) and set(value) == {"Fn::If"}:
        for branch in value["Fn::If"][1:]:
            yield from alternatives(branch)
    elif value != NO_VALUE:
        yield value


def listed(value: Any) -> list[Any]:
    """The members of a list that may be a single one, with every alternative of each."""
    members = value if isinstance(value, list) else [] if value is None else [value]
    return [one for member in members for one in alternatives(member)]


def resources(template: Mapping[str, Any], *types: str) -> dict[str, dict[str, Any]]:
    """Those of the types, by name; all without types."""
    return {name: one for name, one in template["Resources"].items() if not types or one["Type"] in types}


def properties(template: Mapping[str, Any], *types: str) -> dict[str, dict[str, Any]]:
    """Their properties, by name."""
    return {name: one.get("Properties", {}) for name, one in resources(template, *types).items()}


def dicts_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping, at any depth."""
    if isinstance(value, dict):
        yield value
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for member in members:
        yield from dicts_in(member)


def statements(value: Any) -> list[dict[str, Any]]:
    """The statements of every policy, at any depth."""
    found = [one["Statement"] for one in dicts_in(value) if "Statement" in one]
    return [statement for several in found for statement in listed(several)]
