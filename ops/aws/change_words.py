"""A change set in plain words. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_DATA = frozenset(
    {
        "AWS::S3::Bucket",
        "AWS::RDS::DBInstance",
        "AWS::RDS::DBCluster",
        "AWS::SecretsManager::Secret",
        "AWS::RDS::DBParameterGroup",
        "AWS::RDS::DBSubnetGroup",
    }
)
_ACTS = {"Add": "makes", "Modify": "changes", "Remove": "removes", "Import": "takes up", "Dynamic": "may change"}


@dataclass(frozen=True, slots=True)
class Change:
    """`endangers` data: a resource that holds them is replaced or removed, or may be."""

    words: str
    endangers: bool


def in_words(part: str, change: Mapping[str, Any]) -> Change:
    """One change, as DescribeChangeSet tells it."""
    of = change["ResourceChange"]
    kind, name = of["ResourceType"], of["LogicalResourceId"]
    replaced = of.get("Replacement", "False")
    act = {"True": "REPLACES", "Conditional": "may REPLACE"}.get(replaced, _ACTS.get(of["Action"], of["Action"]))
    gone = of["Action"] == "Remove" or (of["Action"] != "Add" and replaced in {"True", "Conditional"})
    causes = sorted({one.get("Target", {}).get("Name") or "" for one in of.get("Details", [])} - {""})
    why = f", its {', '.join(causes)}" if causes and of["Action"] == "Modify" else ""
    kept = "; what is there stays, outside the stack" if gone and kind in _DATA else ""
    return Change(f"{part}: {act} {_short(kind)} {name}{why}{kept}", gone and kind in _DATA)


def new(part: str, name: str, kind: str) -> Change:
    """A resource of a stack that does not exist yet."""
    return Change(f"{part}: makes {_short(kind)} {name}", endangers=False)


def _short(kind: str) -> str:
    return kind.removeprefix("AWS::").replace("::", " ")
