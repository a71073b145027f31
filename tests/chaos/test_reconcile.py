"""The reconciler must find what is planted: each loss and each doubling, by the kind of thing it is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chaos.evidence import Evidence, Handed, Taken
from chaos.log import Entry
from chaos.reconcile import reconcile, repeated
from tests.chaos.small import NOW, Story, identity, kept, with_more

Plant = Callable[[Evidence], Evidence]


def found(evidence: Evidence) -> set[tuple[str, str]]:
    return {(finding.kind, finding.what) for finding in reconcile(evidence)}


def test_finds_nothing_where_every_promise_was_kept() -> None:
    assert reconcile(kept()) == []


def test_a_record_that_lies_there_twice_is_counted_once() -> None:
    evidence = kept()
    again = [replace(entry, offset=entry.offset + 50) for entry in evidence.log if entry.value != b"{"]
    assert reconcile(replace(evidence, log=[*evidence.log, *again])) == []


def without(evidence: Evidence, number: int) -> Evidence:
    return replace(evidence, log=[entry for place, entry in enumerate(evidence.log) if place != number])


def more(*told: Callable[[Story], Entry]) -> Plant:
    """Something more on the log, said after all else."""

    def plant(evidence: Evidence) -> Evidence:
        story = Story()
        story.log = list(evidence.log)
        return with_more(evidence, *(say(story) for say in told))

    return plant


def rewritten(evidence: Evidence) -> Evidence:
    first = evidence.log[0]
    return with_more(evidence, replace(first, offset=70, value=(first.value or b"").replace(b"debt", b"job")))


TAKEN = Taken("lw-meir-1", NOW + timedelta(hours=2, minutes=15), 30, identity(9), identity(19))
PLANTED: dict[str, tuple[Plant, tuple[str, str]]] = {
    "an accepted referral is not on the log": (
        lambda e: without(e, 0),
        ("lost", "an accepted referral was never said"),
    ),
    "an accepted referral is said under two ids": (
        more(lambda s: s.created(1)),
        ("doubled", "a referral was said under two ids"),
    ),
    "a request was carried out twice": (
        more(lambda s: s.created(7)),
        ("doubled", "a referral that nobody was told of"),
    ),
    "a request has no answer": (
        lambda e: replace(e, unanswered=1),
        ("lost", "requests without an answer"),
    ),
    "a request was refused": (
        lambda e: replace(e, refused=[409]),
        ("wrong", "a good request was refused"),
    ),
    "a partner's event is gone": (
        lambda e: without(e, 2),
        ("lost", "an acknowledged event is not on the log"),
    ),
    "one id, two bodies": (rewritten, ("doubled", "one id with two bodies")),
    "a reply that nobody asked for": (
        lambda e: replace(e, log=[*e.log, Entry("meir.outcome-recorded.v1", 1, 0, 160.0, None, b"{}", ())]),
        ("doubled", "a record that nobody knows"),
    ),
    "no meeting": (lambda e: without(e, 1), ("lost", "open, without a meeting or a reason")),
    "two meetings": (
        more(lambda s: s.booked(1, 18, hour=5, sequence=1)),
        ("doubled", "two meetings stand"),
    ),
    "a meeting after the end": (
        more(lambda s: s.booked(2, 17, hour=6)),
        ("wrong", "it ended and its meeting stands"),
    ),
    "a time twice": (
        more(lambda s: s.created(5, "history"), lambda s: s.booked(5, 15, hour=2)),
        ("doubled", "a time that is booked twice"),
    ),
    "a diary twice": (
        lambda e: replace(e, taken=[*e.taken, TAKEN]),
        ("doubled", "a diary with a time taken twice"),
    ),
    "a diary holds one meeting twice": (
        lambda e: replace(e, taken=[*e.taken, replace(e.taken[0], starts_at=NOW + timedelta(hours=9))]),
        ("doubled", "a meeting that holds two times"),
    ),
    "a diary forgets": (lambda e: replace(e, taken=[]), ("lost", "a meeting that no diary holds")),
    "a diary remembers": (
        lambda e: replace(e, taken=[*e.taken, replace(TAKEN, meeting=identity(12), starts_at=NOW)]),
        ("wrong", "a diary holds a time for nobody"),
    ),
    "a message is missing": (
        lambda e: replace(e, handed=e.handed[:1]),
        ("lost", "the person was not told of a meeting"),
    ),
    "a message is late": (
        lambda e: replace(e, handed=e.handed[:1], put_off=frozenset({f"booked.person.{identity(11)}"})),
        ("wrong", "the person is told of a meeting late"),
    ),
    "a message under another reference": (
        lambda e: replace(e, handed=[*e.handed, Handed("another", "mail", 1.0)]),
        ("doubled", "a message that no event calls for"),
    ),
    "a figure too low": (
        lambda e: replace(e, figures={**e.figures, "meir": {**e.figures["meir"], "journey referred": 2}}),
        ("lost", "a figure"),
    ),
    "a figure too high": (
        lambda e: replace(e, figures={**e.figures, "meir": {**e.figures["meir"], "needs debt": 4}}),
        ("doubled", "a figure"),
    ),
    "a figure of nothing": (
        lambda e: replace(e, figures={**e.figures, "meir": {**e.figures["meir"], "needs job": 1}}),
        ("doubled", "a figure of nothing"),
    ),
    "a dead letter is missing": (
        lambda e: replace(e, letters=e.letters[1:]),
        ("lost", "a record that became no dead letter"),
    ),
    "a dead letter has other bytes": (
        lambda e: replace(e, letters=[replace(e.letters[0], value=b"["), *e.letters[1:]]),
        ("lost", "a dead letter is not the record"),
    ),
    "a good record is a dead letter": (
        lambda e: replace(e, letters=[*e.letters, replace(e.letters[0], place=e.log[0].place)]),
        ("lost", "a good record was set aside"),
    ),
    "poison is gone": (
        lambda e: replace(e, log=e.log[:-1]),
        ("lost", "a record is not on the log"),
    ),
    "not all is handled": (lambda e: replace(e, lag={"meir.matching": 2}), ("wrong", "not at rest")),
    "a row is left": (lambda e: replace(e, stuck={"matching: outbox": 1}), ("wrong", "not at rest")),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_finds(planted: str) -> None:
    plant, finding = PLANTED[planted]
    assert finding in found(plant(kept()))


def test_a_message_handed_over_again_under_its_own_reference_is_counted_apart() -> None:
    evidence = kept()
    again = replace(evidence, handed=[*evidence.handed, evidence.handed[0]])
    assert reconcile(again) == []
    assert [len(times) for times in repeated(again).values()] == [2]


def test_a_meeting_that_was_cancelled_has_given_its_time_back_whatever_is_said_of_it_later() -> None:
    evidence = more(
        lambda s: s.created(5, "history"),
        lambda s: s.booked(5, 15, hour=2),
        lambda s: s.outcome(
            5, "meeting_cancelled", meeting_id=identity(15), by="programme", why="slot_taken"
        ),
        lambda s: s.outcome(5, "meeting_missed", meeting_id=identity(15)),
        lambda s: s.outcome(5, "meeting_waiting", reason="person_not_reached", expected_by="2026-12-01"),
    )(kept())
    assert ("doubled", "a time that is booked twice") not in found(evidence)
