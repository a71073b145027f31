"""The reconciler must find what is planted: each loss and each doubling, by its kind."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chaos.calls import reference
from chaos.evidence import Evidence, Handed, Taken
from chaos.log import Entry
from chaos.reconcile import reconcile
from tests.harness.chaos.small import NOW, Story, identity, kept, with_more

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


NEXT_WEEK = "2026-12-01"


def told(evidence: Evidence, *, of: int, names: tuple[str, ...]) -> Evidence:
    """These messages about a referral as well."""
    handed = [Handed(reference("meir", identity(of), name, "mail"), "mail", 200.0) for name in names]
    return replace(evidence, handed=[*evidence.handed, *handed])


def everybody(template: str, meeting: int) -> tuple[str, ...]:
    return tuple(f"{template}.{who}.{identity(meeting)}" for who in ("person", "link_worker", "referrer"))


def waits(referral: int, because: str = "no_slot") -> Callable[[Story], Entry]:
    said = {"reason": because, "expected_by": NEXT_WEEK}
    return lambda s: s.outcome(referral, "meeting_waiting", source="matching", **said)


def is_off(referral: int, meeting: int) -> Callable[[Story], Entry]:
    said = {"meeting_id": identity(meeting), "by": "person", "why": "unwell"}
    return lambda s: s.outcome(referral, "meeting_cancelled", **said)


def with_diary(plant: Plant, *times: Taken) -> Plant:
    def planted(evidence: Evidence) -> Evidence:
        changed = plant(evidence)
        return replace(changed, taken=[*changed.taken, *times])

    return planted


TAKEN = Taken("lw-meir-1", NOW + timedelta(hours=2, minutes=15), 30, identity(9), identity(19))
PLANTED: dict[str, tuple[Plant, tuple[str, str]]] = {
    "an accepted referral is not on the log": (
        lambda e: without(e, 0),
        ("lost", "an accepted referral was never published"),
    ),
    "an accepted referral is said under two ids": (
        more(lambda s: s.created(1)),
        ("doubled", "a referral was published under two ids"),
    ),
    "a request was carried out twice": (
        more(lambda s: s.created(7)),
        ("doubled", "a published referral that was never acknowledged"),
    ),
    "a request has no answer": (
        lambda e: replace(e, unanswered=1),
        ("lost", "requests without an answer"),
    ),
    "a request was refused": (
        lambda e: replace(e, refused=[409]),
        ("wrong", "a valid request was refused"),
    ),
    "a partner's event is gone": (
        lambda e: without(e, 2),
        ("lost", "an acknowledged event is not on the log"),
    ),
    "one id, two bodies": (rewritten, ("doubled", "one id with two bodies")),
    "a reply that nobody asked for": (
        lambda e: replace(e, log=[*e.log, Entry("meir.outcome-recorded.v1", 1, 0, 160.0, None, b"{}", ())]),
        ("doubled", "an unknown record"),
    ),
    "no meeting": (lambda e: without(e, 1), ("lost", "open, without a meeting or a reason")),
    "two meetings": (
        more(lambda s: s.booked(1, 18, hour=5, sequence=1)),
        ("doubled", "two meetings stand"),
    ),
    "ours beside a partner's that won": (
        more(lambda s: s.booked(1, 18, hour=5, source="history", sequence=1)),
        ("doubled", "two meetings stand"),
    ),
    "ours after they have met": (
        more(
            lambda s: s.booked(1, 18, hour=1, source="history"),
            lambda s: s.outcome(1, "meeting_attended", meeting_id=identity(18)),
        ),
        ("doubled", "the person was met, and an earlier meeting stands"),
    ),
    "a reason that was given before the meeting": (
        lambda e: more(is_off(1, 11))(more(waits(1))(e)),
        ("lost", "open, without a meeting or a reason"),
    ),
    "a meeting after the end": (
        more(lambda s: s.booked(2, 17, hour=6)),
        ("wrong", "the referral ended and its meeting stands"),
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
    "a diary forgets a partner's": (
        more(lambda s: s.created(5, "history"), lambda s: s.booked(5, 15, hour=8, source="history")),
        ("lost", "a partner's meeting that no diary holds"),
    ),
    "a partner's meeting waits for a time that is free": (
        with_diary(
            more(lambda s: s.created(5, "history"), lambda s: s.booked(5, 15, hour=8, source="history")),
            replace(TAKEN, starts_at=NOW + timedelta(hours=8), meeting=identity(15), behind=True),
        ),
        ("lost", "a meeting that waits for a free time"),
    ),
    "a diary remembers": (
        lambda e: replace(e, taken=[*e.taken, replace(TAKEN, meeting=identity(12), starts_at=NOW)]),
        ("wrong", "a diary holds a time without a meeting"),
    ),
    "a message is missing": (
        lambda e: replace(e, handed=[e.handed[0], *e.handed[2:]]),
        ("lost", "the person was not told of a meeting"),
    ),
    "a message is late": (
        lambda e: replace(
            e, handed=[e.handed[0], *e.handed[2:]], put_off=frozenset({f"booked.person.{identity(11)}"})
        ),
        ("wrong", "the person is told of a meeting late"),
    ),
    "the referrer's message is missing": (
        lambda e: replace(e, handed=[*e.handed[:2], e.handed[3]]),
        ("lost", "the referrer was not told of a meeting"),
    ),
    "nobody hears that it is off": (
        lambda e: replace(e, handed=e.handed[:3]),
        ("lost", "the link_worker was not told that a meeting is off"),
    ),
    "the person does not hear that it is off": (
        lambda e: told(more(is_off(1, 11), waits(1))(e), of=1, names=everybody("cancelled", 11)[1:]),
        ("lost", "the person was not told that a meeting is off"),
    ),
    "the first link worker waits in vain": (
        more(lambda s: s.booked(1, 18, hour=5, sequence=1, link_worker=2), is_off(1, 11)),
        ("lost", "the link_worker was not told that a meeting is off"),
    ),
    "nobody hears that they have to wait": (
        lambda e: more(is_off(1, 11), waits(1))(without(e, 1)),
        ("lost", "the person was not told that there is no appointment yet"),
    ),
    "a message six times": (
        lambda e: replace(e, handed=[*e.handed, *[e.handed[0]] * 5]),
        ("doubled", "a message handed over again without a reason"),
    ),
    "an event that evaluation did not hear": (
        lambda e: replace(e, facts={**e.facts, "evaluation": list(e.facts["evaluation"])[1:]}),
        ("lost", "an event that a service did not receive"),
    ),
    "a fact that was never said": (
        lambda e: replace(e, facts={**e.facts, "matching": [*e.facts["matching"], "/meir/matching/1"]}),
        ("doubled", "a fact that is not on the log"),
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
        ("lost", "a valid record was dead-lettered"),
    ),
    "poison is gone": (
        lambda e: replace(e, log=e.log[:-1]),
        ("lost", "a record is not on the log"),
    ),
    "an inbox's record was not copied": (
        lambda e: replace(e, inboxes=[*e.inboxes, replace(e.inboxes[0], offset=9)]),
        ("lost", "an inbox's record without a copy"),
    ),
    "a copy of no record": (
        lambda e: replace(e, inboxes=[]),
        ("doubled", "a copy of no record"),
    ),
    "a copy has other bytes": (
        lambda e: replace(e, inboxes=[replace(e.inboxes[0], value=b"{}")]),
        ("wrong", "a copy that is not the record"),
    ),
    "a copy lies elsewhere": (
        lambda e: replace(e, log=[replace(x, partition=(x.partition + 1) % 3) for x in e.log]),
        ("wrong", "a copy in another partition"),
    ),
    "a good record was refused": (
        lambda e: replace(e, refusals=[replace(e.log[0], value=b'{"code":"bad_id"}')]),
        ("wrong", "a good record was refused"),
    ),
    "not all is handled": (lambda e: replace(e, lag={"meir.matching": 2}), ("wrong", "not at rest")),
    "a row is left": (lambda e: replace(e, stuck={"matching: outbox": 1}), ("wrong", "not at rest")),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_finds(planted: str) -> None:
    plant, finding = PLANTED[planted]
    assert finding in found(plant(kept()))


def test_notice_of_a_fact_that_waits_is_no_refusal() -> None:
    evidence = kept()
    notice = replace(evidence.log[0], value=b'{"code":"does_not_count_yet"}')
    assert found(replace(evidence, refusals=[notice])) == set()


def test_reason_given_with_the_cancellation_counts() -> None:
    evidence = more(is_off(1, 11), waits(1))(replace(kept(), taken=[]))
    names = (*everybody("cancelled", 11), f"no_appointment_yet.person.{NEXT_WEEK}")
    assert found(told(evidence, of=1, names=names)) == set()


def test_a_partners_second_meeting_is_theirs() -> None:
    evidence = more(lambda s: s.booked(1, 10, hour=5, source="history"))(kept())
    assert found(evidence) == set(), "ours counts: it is the higher one"


def test_a_partners_meeting_may_stand_behind_somebody_elses_time() -> None:
    plant = more(lambda s: s.created(5, "history"), lambda s: s.booked(5, 15, hour=9, source="history"))
    theirs = replace(TAKEN, starts_at=NOW + timedelta(hours=9), meeting=identity(15), behind=True)
    before = replace(TAKEN, starts_at=theirs.starts_at - timedelta(minutes=15))
    of_diaries = {
        ("lost", "a partner's meeting that no diary holds"),
        ("lost", "a meeting that waits for a free time"),
    }
    assert found(with_diary(plant, theirs)(kept())) & of_diaries
    assert not found(with_diary(plant, theirs, before)(kept())) & of_diaries


def test_cancelled_meeting_frees_its_time_despite_later_events() -> None:
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
