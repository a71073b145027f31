"""The reckoning of hand-overs must find what is planted, each in a small invented log."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chaos.handover.deciders import booked_once, markers_are_whole, owners_alone_decide
from chaos.handover.epochs import Epochs
from chaos.handover.inboxes import judged_once
from chaos.handover.reckon import Evidences, answers, reckon
from chaos.handover.told import told_once
from chaos.log import Entry
from tests.harness.chaos.handed import PARTNER, Handing, kept
from tests.harness.chaos.small import identity

Plant = Callable[[Handing], object]


def found(evidence: Evidences) -> set[tuple[str, str]]:
    """The findings about hand-overs alone; those of any run have tests of their own."""
    epochs = Epochs(evidence.whole.log)
    decisions = list(epochs.decisions(evidence.bookers))
    checks = (
        *markers_are_whole(epochs),
        *owners_alone_decide(epochs, decisions),
        *booked_once(decisions),
        *told_once(decisions, evidence.whole.handed),
        *judged_once(evidence.inboxes, evidence.whole.log, evidence.refusals),
    )
    return {(finding.kind, finding.what) for finding in checks}


def test_hand_over_that_kept_its_promises_has_no_finding() -> None:
    assert found(kept().evidence()) == set()


def test_repeat_behind_a_marker_keeps_its_epoch() -> None:
    handing = kept()
    handing.story.booked(1, 11, hour=2, source="booking")
    handing.story.log[-1] = _again(handing, of=1)
    handing.marker(3, PARTNER)
    handing.story.log.append(_again(handing, of=1))
    assert found(handing.evidence()) == set()


def _again(handing: Handing, *, of: int) -> Entry:
    return replace(handing.story.log[of], offset=len(handing.story.log) + 500)


def _second_decider(handing: Handing) -> None:
    """A replica of ours that slept through a hand-over publishes what it decided before."""
    handing.marker(3, PARTNER)
    handing.story.booked(4, 14, hour=5, source="booking")


def _partner_after_the_end(handing: Handing) -> None:
    handing.copied(handing.story.booked(4, 14, hour=5, source=PARTNER))


def _two_of_one_epoch(handing: Handing) -> None:
    handing.story.created(4)
    handing.story.booked(4, 14, hour=5, source="booking")
    handing.copied(
        handing.story.outcome(4, "meeting_waiting", PARTNER, reason="no_slot", expected_by="2026-12-01")
    )


def _booked_twice(handing: Handing) -> None:
    """The newcomer books what the former owner had booked: each in its own epoch, with one number."""
    handing.marker(3, PARTNER)
    handing.copied(handing.story.booked(1, 19, hour=6, source=PARTNER))


def _told_twice(handing: Handing) -> None:
    _booked_twice(handing)
    handing.told(19, 1)


def _markerless(handing: Handing) -> None:
    handing.marker(3, PARTNER, partitions=2)


def _two_owners(handing: Handing) -> None:
    handing.marker(3, PARTNER)
    handing.marker(3, "linkwork")


def _left_out(handing: Handing) -> None:
    handing.marker(4, PARTNER)


def _not_judged(handing: Handing) -> None:
    handing.uncopied(handing.story.booked(4, 14, hour=5, source=PARTNER))


def _owner_refused(handing: Handing) -> None:
    _not_judged(handing)
    handing.refused("invalid_body")


PLANTED: dict[str, tuple[Plant, tuple[str, str]]] = {
    "our replica decides in the partner's epoch": (
        _second_decider,
        ("doubled", "a decider that did not own booking"),
    ),
    "the partner decides in our epoch": (
        _partner_after_the_end,
        ("doubled", "a decider that did not own booking"),
    ),
    "both decide one referral in one epoch": (
        _two_of_one_epoch,
        ("doubled", "two deciders of one referral and epoch"),
    ),
    "a referral is booked again by the newcomer": (
        _booked_twice,
        ("doubled", "a referral booked by two owners"),
    ),
    "somebody is told of both": (_told_twice, ("doubled", "somebody was told of two appointments for one")),
    "a partition lacks its marker": (_markerless, ("lost", "a partition without its marker")),
    "one epoch has two owners": (_two_owners, ("doubled", "an epoch of two owners")),
    "an epoch is left out": (_left_out, ("lost", "an epoch without the one before")),
    "a record of the owner vanishes": (
        _not_judged,
        ("lost", "a record of an owner was neither copied nor refused"),
    ),
    "a record of the owner is refused": (_owner_refused, ("lost", "an owner's record was refused")),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_fault_is_found(name: str) -> None:
    plant, expected = PLANTED[name]
    handing = kept()
    plant(handing)
    assert expected in found(handing.evidence())


def test_record_behind_the_end_may_be_refused() -> None:
    handing = kept()
    handing.uncopied(handing.story.booked(4, 14, hour=5, source=PARTNER))
    handing.refused("not_owner")
    assert found(handing.evidence()) == set()


def test_missed_referral_is_found_by_the_whole_reckoning() -> None:
    handing = kept()
    handing.story.created(4)
    whole = {(finding.kind, finding.what) for finding in reckon(handing.evidence())}
    assert ("lost", "open, without a meeting or a reason") in whole


def test_second_meeting_of_a_partner_is_found() -> None:
    handing = kept()
    _booked_twice(handing)
    whole = {(finding.kind, finding.what) for finding in reckon(handing.evidence())}
    assert ("doubled", "two meetings stand") in whole


def _missed_and_booked_again(by: str, *, before: bool) -> set[tuple[str, str]]:
    """The partner's meeting is missed, and its time is booked for somebody else, after or before that."""
    handing = kept()
    says: list[Callable[[], object]] = [
        lambda: handing.story.outcome(2, "meeting_missed", meeting_id=identity(12)),
        lambda: handing.story.booked(5, 15, hour=3, source=by),
    ]
    handing.story.created(5)
    for say in says if before else reversed(says):
        say()
    return {(finding.kind, finding.what) for finding in reckon(handing.evidence())}


def test_time_of_an_ended_meeting_is_free_for_the_next_owner() -> None:
    twice = ("doubled", "a time that is booked twice")
    assert twice not in _missed_and_booked_again("booking", before=True)
    assert twice in _missed_and_booked_again("booking", before=False)
    assert twice in _missed_and_booked_again(PARTNER, before=True)


def test_answers_name_owner_and_wait() -> None:
    by = {answer.owner: answer for answer in answers(kept().evidence())}
    assert set(by) == {"linkwork", PARTNER}
    assert by[PARTNER].seconds == 1.0
    assert len(answers(kept().evidence())) == 3
    assert identity(2) not in by
