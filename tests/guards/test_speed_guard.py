"""Gross regressions only: a ratio that is twice the one that `make bench` recorded, also when it is taken again."""

from collections.abc import Callable, Iterator

import pytest

from bench import app_import, cached_get, router, thumbnail
from bench.interleaved import Comparison
from bench.run import last_recorded
from bench.store import Store, store_of
from tests.local_cloud import LocalCloud

WORSE = 2.0
ATTEMPTS = 3  # whatever else runs here may spoil some


def assert_not_much_slower(benchmark: str, what: str, measure: Callable[[], Comparison]) -> None:
    (recorded,) = [row.ratio for row in last_recorded()[benchmark].rows if row.what == what]
    seen = []
    for _ in range(ATTEMPTS):
        seen.append(measure().ratio)
        if seen[-1] <= WORSE * recorded:
            return
    raise AssertionError(f"{what}: {seen}, where {recorded:.3g} was recorded")


@pytest.fixture(scope="module")
def store(cloud: LocalCloud) -> Iterator[Store]:
    with store_of(cloud) as found:
        yield found


@pytest.mark.parametrize("nodes", router.FLEETS)
def test_the_router_is_not_much_slower_than_recorded(nodes: int) -> None:
    assert_not_much_slower("router", router.what(nodes), lambda: router.against_hashlib(nodes, rounds=5))


def test_the_import_is_not_much_slower_than_recorded() -> None:
    assert_not_much_slower("import", app_import.WHAT, lambda: app_import.against_libraries(rounds=3))


@pytest.mark.parametrize("size_name", cached_get.SIZES)
def test_a_cached_get_is_not_much_slower_than_recorded(store: Store, size_name: str) -> None:
    size = cached_get.SIZES[size_name]
    assert_not_much_slower(
        "cached-get",
        cached_get.what(size_name),
        lambda: cached_get.against_bare_handler(store, size, rounds=5),
    )


def test_a_thumbnail_is_not_much_slower_than_recorded() -> None:
    data = thumbnail.camera_jpeg(thumbnail.WIDTH, thumbnail.HEIGHT)
    assert_not_much_slower("thumbnail", thumbnail.WHAT, lambda: thumbnail.against_decode(data))


def test_a_ratio_that_has_doubled_is_noticed() -> None:
    recorded = {row.what: row.ratio for row in last_recorded()["router"].rows}[router.what(8)]
    doubled = Comparison(recorded * 2.1, 0.0, 0.0, 0.0, 0.0)
    with pytest.raises(AssertionError, match="was recorded"):
        assert_not_much_slower("router", router.what(8), lambda: doubled)
