"""What is to be done with a stack that is in a state, whoever left it so. Pure."""

from enum import StrEnum

ABSENT = ""


class Move(StrEnum):
    """The next act on the way to a stack that stands as wanted."""

    CREATE = "create"  # by a change set of the type CREATE
    CHANGE = "change"
    WAIT = "wait"
    REMOVE = "remove"  # nothing but its name is left of it
    MEND = "mend"  # finish a rollback that did not end
    REFUSE = "refuse"


_MOVES = {
    ABSENT: Move.CREATE,
    "DELETE_COMPLETE": Move.CREATE,
    # A change set was made and never carried out; AWS takes another.
    "REVIEW_IN_PROGRESS": Move.CREATE,
    "ROLLBACK_COMPLETE": Move.REMOVE,
    "ROLLBACK_FAILED": Move.REMOVE,
    "CREATE_FAILED": Move.REMOVE,
    "DELETE_FAILED": Move.REMOVE,
    "UPDATE_ROLLBACK_FAILED": Move.MEND,
}
_STANDS = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"})


def move_to_make(status: str) -> Move:
    """Towards a stack that is there as wanted."""
    if status in _MOVES:
        return _MOVES[status]
    if status in _STANDS:
        return Move.CHANGE
    return Move.WAIT if status.endswith("_IN_PROGRESS") else Move.REFUSE


def move_to_remove(status: str) -> Move | None:
    """Towards no stack; None if there is none."""
    if status in {ABSENT, "DELETE_COMPLETE"}:
        return None
    if status != "REVIEW_IN_PROGRESS" and status.endswith("_IN_PROGRESS"):
        return Move.WAIT
    return Move.REMOVE


def stands(status: str) -> bool:
    """Whether it is there and its outputs can be used."""
    return status in _STANDS


def parameters_of_change(
    given: dict[str, str], before: dict[str, str], of_template: frozenset[str]
) -> list[dict[str, str | bool]]:
    """As CloudFormation takes them: what is given, and for the rest what the stack had before."""
    kept = (before.keys() - given.keys()) & of_template
    asked: list[dict[str, str | bool]] = [
        {"ParameterKey": name, "ParameterValue": value} for name, value in sorted(given.items())
    ]
    return asked + [{"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept)]
