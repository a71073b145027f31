"""The roster follows the list that another casework publishes, and keeps what it cannot read."""

from typing import Any

import pytest

from services.matching.roster.link_workers import LinkWorker
from services.matching.roster.published import changes
from shared.contract.api.casework import LINK_WORKERS, LinkWorkerEntry
from tests.harness.matching.decision_harness import LOCALITY, worker

PRIYA, SAM = worker(), worker("lw-meir-2")


def published(*workers: LinkWorker, **more: Any) -> list[dict[str, Any]]:
    """The list as casework's owner publishes it."""
    return [
        LinkWorkerEntry.model_validate(each.model_dump(mode="json")).model_dump(mode="json") | more
        for each in workers
    ]


def entries(*listed: Any, stored: tuple[LinkWorker, ...] = (), again: bool = False) -> list[LinkWorker]:
    before = {each.id: each for each in stored}
    return list(changes(listed, before, LOCALITY, again=again).entries)


def test_list_that_is_the_same_changes_nothing() -> None:
    assert entries(*published(PRIYA, SAM), stored=(PRIYA, SAM)) == []


def test_new_and_changed_entries_are_stored() -> None:
    later = worker("lw-meir-2", weekdays=(1,))
    assert entries(*published(PRIYA, later), stored=(SAM,)) == [PRIYA, later]


def test_work_that_was_cut_short_is_done_again() -> None:
    assert entries(*published(PRIYA), stored=(PRIYA,), again=True) == [PRIYA]


def test_link_worker_left_out_has_left() -> None:
    gone = SAM.model_copy(update={"active": False})
    assert entries(*published(PRIYA), stored=(PRIYA, SAM)) == [gone]
    assert entries(*published(PRIYA), stored=(PRIYA, gone)) == []


@pytest.mark.parametrize("listed", [[], ["?"], [None], [{"id": "lw-meir-1"}]])
def test_list_in_which_nobody_can_be_read_changes_nothing(listed: list[Any]) -> None:
    assert entries(*listed, stored=(PRIYA, SAM)) == []


def test_entry_that_cannot_be_used_leaves_the_roster_as_it_is() -> None:
    wrong = published(SAM, telephone="no number")
    found = changes([*published(PRIYA), *wrong], {PRIYA.id: PRIYA, SAM.id: SAM}, LOCALITY)
    assert (found.entries, found.refused) == ((), 1)


def test_entry_of_another_locality_is_refused() -> None:
    found = changes(published(PRIYA, locality="elsewhere"), {}, LOCALITY)
    assert (found.entries, found.refused) == ((), 1)


def test_field_of_a_later_version_is_ignored() -> None:
    assert entries(*published(PRIYA, pronouns="they")) == [PRIYA]


def test_example_of_the_contract_is_a_roster_entry() -> None:
    (example,) = LINK_WORKERS.answer_example["link_workers"]
    (found,) = entries(example)
    assert (found.id, found.practices) == ("lw-meir-1", frozenset({"M83100"}))
