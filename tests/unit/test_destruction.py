"""What goes and what stays when an environment is destroyed."""

import pytest

from ops.aws.destruction import Found, data_told, destruction
from ops.aws.errors import UsageError

STACKS = dict.fromkeys(("network", "data", "app", "rotation"), "CREATE_COMPLETE")
WHOLE = Found(STACKS, ("f",), ("i-1",), "bucket", "", 12, ("db",), ("secret",), ("group",), ("snapshot",))


def test_data_and_the_network_of_their_database_stay_unless_they_are_told() -> None:
    made = destruction(WHOLE, "blue", None)
    assert made.stacks == ("rotation", "app")
    assert made.goes == ("function f", "node i-1", "stack rotation", "stack app")
    assert [one.split()[0] for one in made.stays] == [
        *("bucket", "database", "secret", "settings", "snapshot", "stack", "stack")
    ]
    assert "12 objects" in made.stays[0]


def test_told_by_name_and_count_everything_goes() -> None:
    made = destruction(WHOLE, "blue", ("blue", 12))
    assert (made.stacks, made.stays) == (("rotation", "app", "data", "network"), ())
    assert made.goes[-5:] == (
        "bucket bucket, with 12 objects (each version counts)",
        "database db",
        "secret secret",
        "settings of the database group",
        "snapshot of the database snapshot",
    )


@pytest.mark.parametrize("told", [("blue", 11), ("green", 12), ("blue", 0)])
def test_another_name_or_count_removes_nothing(told: tuple[str, int]) -> None:
    with pytest.raises(UsageError, match="does not name the data of blue: it has 12 objects"):
        destruction(WHOLE, "blue", told)


def test_parts_of_the_operators_own_stay_in_any_case() -> None:
    own = Found({"network": "X", "data": "X"}, own_bucket="mine", objects=3)
    assert destruction(own, "blue", ("blue", 3)).stays == ("your own bucket mine, with 3 objects",)
    assert destruction(own, "blue", None).stacks == ("data", "network")


def test_nothing_is_a_destruction_of_nothing() -> None:
    made = destruction(Found({}), "blue", None)
    assert (made.goes, made.stays, made.stacks) == ((), (), ())


@pytest.mark.parametrize("text", ["blue", "blue=", "=3", "blue=x", "blue=-1"])
def test_what_is_no_name_and_count_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="NAME=COUNT"):
        data_told(text)
