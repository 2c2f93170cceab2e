"""What the sweeper decides, as pure functions of what it saw."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain import sweeping
from chalicelib.domain.sweeping import Facts, Kind, Listed, Named, Phase, Suspect, Sweep, Verdict

NOW = datetime(2030, 1, 1, tzinfo=UTC)
OLD = NOW - timedelta(days=1)


def listed(*keys: str, at: datetime = OLD) -> list[Listed]:
    return [Listed(key, 1, at) for key in keys]


def image(key: str, at: datetime = OLD) -> Named:
    return Named(key, Kind.IMAGE, True, at, b"o", b"k")


def suspects(objects: list[Listed], rows: list[Named], until: str = "p", owed: tuple[str, ...] = ()) -> list[Suspect]:
    unnamed = sweeping.unnamed_in(objects, rows, until, NOW)
    return sweeping.suspects_in(objects, rows, unnamed, owed, NOW)


def test_objects_and_rows_that_belong_together_are_no_suspects() -> None:
    assert suspects(listed("originals/a", "originals/b"), [image("originals/a"), image("originals/b")]) == []


def test_an_object_that_no_row_names_and_no_job_removes_is_one() -> None:
    objects = listed("originals/a", "originals/b", "originals/c")
    assert suspects(objects, [image("originals/b")], owed=("originals/c",)) == [Suspect(Kind.OBJECT, "originals/a")]


def test_what_is_young_or_behind_the_stretch_is_not_judged() -> None:
    young = NOW - timedelta(seconds=sweeping.LEAST_AGE_SECONDS - 1)
    assert suspects(listed("originals/a", at=young), [image("originals/b", at=young)]) == []
    assert suspects(listed("originals/b"), [], until="originals/a") == []


@pytest.mark.parametrize("key", ["dumps/a", "downloads/a", "originals/é", "originals/" + "a" * 181, sweeping.MARKER])
def test_what_is_not_ours_is_left_alone(key: str) -> None:
    assert suspects(listed(key), [], until="\U0010ffff") == []


def test_a_row_is_one_if_its_object_must_be_there_and_is_not() -> None:
    due = Named("originals/c", Kind.RENDITION, False, OLD, b"o", b"k")
    assert suspects(listed("originals/b"), [image("originals/a"), image("originals/b"), due]) == [
        Suspect(Kind.IMAGE, "originals/a", b"o", b"k")
    ]


def test_a_rendition_without_its_image_is_one_whether_or_not_its_object_is_there() -> None:
    lonely = Named("renditions/a/thumbnail", Kind.RENDITION, True, OLD, b"o", b"k", parentless=True)
    for objects in (listed("renditions/a/thumbnail"), []):
        assert suspects(objects, [lonely], "s") == [Suspect(Kind.PARENTLESS, "renditions/a/thumbnail", b"o", b"k")]


def test_a_stretch_ends_where_either_listing_was_cut() -> None:
    objects, rows = listed("originals/b", "originals/d"), [image("originals/a"), image("originals/c")]
    assert sweeping.covered_until("originals/", objects, False, rows, False) == "originals0"
    assert sweeping.covered_until("originals/", objects, True, rows, False) == "originals/d"
    assert sweeping.covered_until("originals/", objects, True, rows, True) == "originals/c"
    assert sweeping.covered_until("originals/", objects, False, rows, True) == "originals/c"


def test_a_sweep_goes_through_every_prefix_and_then_acts() -> None:
    sweep, seen = sweeping.begun(Sweep(), NOW), []
    while sweep.phase is Phase.LOOKING:
        seen.append(sweep.prefix)
        assert sweep.after == sweep.prefix
        sweep = sweeping.advanced(sweep, f"{sweep.prefix}m", 2, 3, [])
        assert sweep.after == f"{sweep.prefix}m"
        sweep = sweeping.advanced(sweep, sweeping.end_of(sweep.prefix), 0, 1, [])
    assert tuple(seen) == sweeping.PREFIXES
    assert (sweep.phase, sweep.objects, sweep.rows) == (Phase.ACTING, 8, 16)


def test_the_next_sweep_begins_a_day_after_the_last_began() -> None:
    assert sweeping.is_due(Sweep(), NOW)
    for phase, due in ((Phase.DONE, True), (Phase.LOOKING, False), (Phase.ACTING, False), (Phase.WAITING, False)):
        assert sweeping.is_due(Sweep(1, phase, NOW - timedelta(days=1)), NOW) is due
    assert not sweeping.is_due(Sweep(1, Phase.DONE, NOW - timedelta(hours=23)), NOW)
    assert sweeping.is_due(Sweep(1, Phase.WAITING, NOW - timedelta(days=7)), NOW)


def test_a_database_that_is_older_than_the_marker_went_back_in_time() -> None:
    assert sweeping.went_back(Sweep(3), 4, 5)
    assert not sweeping.went_back(Sweep(3), 5, 5)
    assert not sweeping.went_back(Sweep(3), 5, 4)  # killed before it was marked
    waits = sweeping.waiting(Sweep(3, Phase.ACTING, OLD), NOW)
    assert (waits.phase, waits.number, waits.begun_at) == (Phase.WAITING, 3, NOW)
    assert not sweeping.went_back(waits, 4, 5)


@pytest.mark.parametrize(
    ("looked_at", "suspected", "stops"),
    [
        *((1, 1, True), (2, 1, False), (2, 2, True), (3, 2, True), (10, 5, False), (10, 6, True), (10, 10, True)),
        *((20, 10, False), (20, 11, True), (1000, 10, False), (1000, 11, True), (5000, 50, False), (5000, 51, True)),
    ],
)
@pytest.mark.parametrize("what", ["objects", "rows"])
def test_it_stops_when_more_than_one_in_a_hundred_would_go_or_in_a_small_store_more_than_ten_or_half(
    looked_at: int, suspected: int, stops: bool, what: str
) -> None:
    counts = {what: looked_at, f"{what}_suspected": suspected}
    words = sweeping.too_many(Sweep(7, Phase.ACTING, **counts))  # type: ignore[arg-type]
    assert (words is not None) is stops
    assert words is None or f"{suspected:,} of {looked_at:,} {what}" in words
    assert sweeping.too_many(Sweep(7, Phase.LOOKING, **counts)) is None  # type: ignore[arg-type]


def test_it_stops_looking_when_there_are_more_suspects_than_are_ever_acted_on() -> None:
    sweep = Sweep(1, Phase.LOOKING, objects=10**9, objects_suspected=sweeping.MOST_SUSPECTS + 1)
    assert sweeping.too_many(sweep) is not None


@pytest.mark.parametrize(
    ("key", "facts", "expected"),
    [
        ("originals/a/b", Facts(False, False, False), Verdict.QUARANTINE),
        ("originals/a/b", Facts(True, False, True), Verdict.LEAVE),
        ("originals/a/b", Facts(False, True, False), Verdict.LEAVE),
        ("incoming/a/b", Facts(False, False, False), Verdict.QUARANTINE),
        ("renditions/a/b/thumbnail", Facts(False, False, False), Verdict.QUARANTINE),
        ("renditions/a/b/thumbnail", Facts(False, False, True), Verdict.ADOPT),
        ("renditions/a/b/thumbnail", Facts(True, False, True), Verdict.LEAVE),
        ("renditions/a/b/painted", Facts(False, False, True), Verdict.LEAVE),
        ("renditions/a/b/painted", Facts(False, False, False), Verdict.QUARANTINE),
    ],
)
def test_what_becomes_of_an_object(key: str, facts: Facts, expected: Verdict) -> None:
    assert sweeping.verdict(key, facts) is expected


@pytest.mark.parametrize("sweep", [Sweep(), Sweep(3, Phase.ACTING, OLD, NOW, "originals/", "originals/x", 4, 5, 6)])
def test_a_sweep_is_kept_as_text(sweep: Sweep) -> None:
    assert sweeping.from_json(sweeping.to_json(sweep)) == sweep
    assert sweeping.from_json("{}") == Sweep()
