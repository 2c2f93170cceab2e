"""What each function may do: its file in .chalice/policies with an environment's own names in the places. Pure."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ops.aws.errors import StageError
from ops.aws.templates import PROJECT

FOLDER = PROJECT / ".chalice" / "policies"
_PLACE = re.compile(r"\$\{([A-Za-z]+)\}")
_XRAY = {
    "Sid": "Traces",
    "Effect": "Allow",
    "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
    "Resource": "*",
}

Values = Mapping[str, str | tuple[str, ...]]


def functions(folder: Path = FOLDER) -> list[str]:
    """The functions that have a policy, by name."""
    return sorted(path.stem for path in folder.glob("*.json"))


def template_of(function: str, folder: Path = FOLDER) -> dict[str, Any]:
    """The function's policy with its places."""
    policy: dict[str, Any] = json.loads((folder / f"{function}.json").read_text(encoding="utf-8"))
    return policy


def filled(policy: Any, values: Values) -> Any:
    """The policy with every ${Place} filled. A place that stands alone in a list may be filled by several.

    A statement that names a place whose value is empty is left out: the environment does not have what it is about.
    Raises StageError for a place that has no value at all.
    """
    statements = [one for one in policy["Statement"] if not any(not _value(values, name) for name in places_in(one))]
    return {**policy, "Statement": [_filled(one, values) for one in statements]}


def with_traces(policy: Mapping[str, Any]) -> dict[str, Any]:
    """The policy of a function that X-Ray traces."""
    return {**policy, "Statement": [*policy["Statement"], _XRAY]}


def places_in(part: Any) -> set[str]:
    """The names of the places."""
    return set(_PLACE.findall(json.dumps(part)))


def _filled(part: Any, values: Values) -> Any:
    if isinstance(part, dict):
        return {name: _filled(value, values) for name, value in part.items()}
    if isinstance(part, list):
        return [text for each in part for text in _several(each, values)]
    return _text(part, values) if isinstance(part, str) else part


def _several(text: str, values: Values) -> tuple[str, ...]:
    alone = _PLACE.fullmatch(text)
    value = _value(values, alone[1]) if alone else ""
    return value if isinstance(value, tuple) else (_text(text, values),)


def _text(text: str, values: Values) -> str:
    def value_of(place: re.Match[str]) -> str:
        value = _value(values, place[1])
        if not isinstance(value, str):
            raise StageError(f"{place[1]} is several, and stands where one is meant.")
        return value

    return _PLACE.sub(value_of, text)


def _value(values: Values, name: str) -> str | tuple[str, ...]:
    try:
        return values[name]
    except KeyError:
        raise StageError(f"Nothing tells {name}, which a policy names.") from None
