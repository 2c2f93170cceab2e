import pytest

from chalicelib.domain.breaker import Breaker, BreakerPolicy, admitted, failed, succeeded

POLICY = BreakerPolicy(slow_seconds=0.1, slow_calls=3, pause_seconds=10.0)
FAST, SLOW = 0.01, 0.2

# Each story: what happens at which second, as (second, event). "ask+" is admitted, "ask-" is not; "ok", "slow" and
# "err" are outcomes of a call.
STORIES = {
    "calls flow": [(1, "ask+"), (1, "ok"), (2, "ask+"), (2, "ok"), (3, "ask+")],
    "one error trips": [(1, "ask+"), (1, "err"), (2, "ask-"), (10.9, "ask-")],
    "one probe after the pause": [(1, "err"), (11, "ask+"), (11, "ask-"), (20.9, "ask-")],
    "a good probe closes": [(1, "err"), (11, "ask+"), (11, "ok"), (11, "ask+"), (11, "ask+")],
    "a bad probe pauses again": [(1, "err"), (11, "ask+"), (12, "err"), (21.9, "ask-"), (22, "ask+"), (22, "ask-")],
    "a slow probe pauses again": [(1, "err"), (11, "ask+"), (12, "slow"), (21.9, "ask-"), (22, "ask+")],
    "a lost probe gives way to the next": [(1, "err"), (11, "ask+"), (20.9, "ask-"), (21, "ask+"), (21, "ask-")],
    "few slow answers do not trip": [(1, "slow"), (2, "slow"), (3, "ask+"), (3, "ok"), (4, "slow"), (5, "ask+")],
    "a run of slow answers trips": [(1, "slow"), (2, "slow"), (3, "slow"), (4, "ask-"), (12.9, "ask-"), (13, "ask+")],
    "a fast answer ends a run": [(1, "slow"), (1, "slow"), (1, "ok"), (1, "slow"), (1, "slow"), (1, "ask+")],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_stories(story: list[tuple[float, str]]) -> None:
    breaker = Breaker()
    for second, event in story:
        if event.startswith("ask"):
            breaker, goes = admitted(breaker, second, POLICY)
            assert goes == (event == "ask+"), (second, event)
        elif event == "err":
            breaker = failed(breaker, second, POLICY)
        else:
            breaker = succeeded(breaker, FAST if event == "ok" else SLOW, second, POLICY)


def test_a_breaker_says_whether_it_tripped() -> None:
    assert not Breaker().tripped
    assert failed(Breaker(), 1.0, POLICY).tripped
    assert not succeeded(failed(Breaker(), 1.0, POLICY), FAST, 12.0, POLICY).tripped
