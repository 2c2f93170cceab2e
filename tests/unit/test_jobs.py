from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.jobs import REMOVE_OBJECTS, Removal, removal_job, removals_of

REMOVALS = st.lists(st.builds(Removal, st.binary(min_size=16, max_size=16), st.text(max_size=50), st.integers(0, 15)))


@given(st.binary(min_size=16, max_size=16), REMOVALS)
def test_a_job_removes_what_it_was_made_for(job_id: bytes, removals: list[Removal]) -> None:
    job = removal_job(job_id, iter(removals))
    assert (job.id, job.kind) == (job_id, REMOVE_OBJECTS)
    assert removals_of(job) == tuple(removals)
