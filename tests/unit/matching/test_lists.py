"""Every open case is on a list, whoever owns which part: a link worker's, or the programme's overview."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from services.matching.programme.lists import on_list
from services.matching.roster.link_workers import LinkWorker
from tests.harness.matching.decision_harness import OTHER_PRACTICE, PRACTICE, worker

WORKERS = st.lists(
    st.builds(
        worker,
        st.sampled_from(["lw-meir-1", "lw-meir-2", "lw-meir-3"]),
        practices=st.sampled_from([(PRACTICE,), (OTHER_PRACTICE,), (PRACTICE, OTHER_PRACTICE)]),
        active=st.booleans(),
    ),
    max_size=3,
    unique_by=lambda each: each.id,
)


@given(
    WORKERS,
    st.sampled_from([None, "lw-meir-1", "lw-meir-9"]),
    st.sampled_from([PRACTICE, OTHER_PRACTICE, "M83999"]),
    st.sampled_from([None, "casework-js"]),
)
def test_case_is_on_a_link_workers_list_or_in_the_overview(
    workers: list[LinkWorker], whose: str | None, practice: str, owner: str | None
) -> None:
    found = on_list(whose, practice, workers, owner)
    assert found.in_overview or found.link_workers
    assert not (found.in_overview and found.link_workers)
    assert found.link_workers <= {each.id for each in workers if each.active}
    if owner is not None:
        assert found.in_overview
        assert found.owner == owner


def test_case_of_a_link_worker_who_left_is_in_the_overview() -> None:
    left, here = worker(active=False), worker("lw-meir-2")
    for whose, owner in product((left.id, "lw-meir-9"), (None, "casework-js")):
        assert on_list(whose, PRACTICE, [left, here], owner).in_overview
    assert on_list(None, PRACTICE, [left, here], None).link_workers == {here.id}
    assert on_list(here.id, PRACTICE, [left, here], None).link_workers == {here.id}
