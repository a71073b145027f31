"""The next step of a hand-over, from what is stored alone: every death is followed by the same way on."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from linkwork.hand_over.steps import SAYS, WAITING, Step, Stored, course, next_step
from shared.platform.localities import OURS, Claim

SINCE = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
JS, OTHER = "booking-js", "other-js"
TO_JS, TO_US = Claim(JS, SINCE), Claim(OURS, SINCE)
OURS_AT_FIRST = Stored(OURS, 0, outbox=3)
THEIRS = Stored(JS, 1, decides=False, may_write=frozenset({JS}), may_write_everywhere=frozenset({JS}))


def after(step: Step, stored: Stored, to: str) -> Stored:
    """What is stored once a step is done, by whoever does it."""
    may = frozenset({to})
    changes: dict[Step, Callable[[], Stored]] = {
        "claim": lambda: replace(stored, claim=Claim(to, SINCE)),
        "stop": lambda: replace(stored, decides=False),
        "drain": lambda: replace(stored, outbox=0),
        "partners_end": lambda: replace(stored, ended=stored.epoch),
        "withdraw": lambda: replace(stored, may_write=frozenset(), may_write_everywhere=frozenset()),
        "end": lambda: replace(stored, end_written=True),
        "pass": lambda: replace(stored, ended=stored.epoch),
        "mark": lambda: replace(stored, marks="all"),
        "give": lambda: replace(stored, may_write=may, may_write_everywhere=may),
        "raise": lambda: replace(
            stored, owner=to, epoch=stored.epoch + 1, claim=None, marks="none", end_written=False, ended=None
        ),
    }
    return changes[step]()


def way(stored: Stored, to: str, *, forced: bool = False) -> Iterator[Step]:
    while (step := next_step(stored, to, forced=forced)) is not None:
        yield step
        stored = after(step, stored, to)


def test_steps_from_us_to_a_partner() -> None:
    assert list(way(OURS_AT_FIRST, JS)) == ["claim", "stop", "drain", "mark", "give", "raise"]


def test_steps_from_a_partner_to_us() -> None:
    assert list(way(THEIRS, OURS)) == ["claim", "partners_end", "withdraw", "mark", "raise"]


def test_forced_steps_ask_nothing_of_the_partner() -> None:
    steps = list(way(THEIRS, OURS, forced=True))
    assert steps == ["claim", "withdraw", "end", "pass", "mark", "raise"]
    assert "partners_end" not in steps


def test_steps_from_a_partner_to_another() -> None:
    assert list(way(THEIRS, OTHER)) == ["claim", "partners_end", "withdraw", "mark", "give", "raise"]


def test_owner_of_the_part_needs_no_step() -> None:
    assert next_step(OURS_AT_FIRST, OURS) is None
    assert next_step(THEIRS, JS) is None


@pytest.mark.parametrize(
    ("begin", "to", "forced"),
    [(OURS_AT_FIRST, JS, False), (THEIRS, OURS, False), (THEIRS, OURS, True), (THEIRS, OTHER, False)],
)
def test_no_marker_before_the_former_owner_is_silent(begin: Stored, to: str, forced: bool) -> None:
    stored = begin
    while (step := next_step(stored, to, forced=forced)) is not None:
        if step == "mark":
            if stored.owner == OURS:
                assert not stored.decides
                assert stored.outbox == 0
            else:
                assert stored.has_ended
                assert stored.owner not in stored.may_write
        if step in ("give", "raise"):
            assert stored.marks == "all"
        stored = after(step, stored, to)
    assert (stored.owner, stored.epoch, stored.claim) == (to, begin.epoch + 1, None)


@pytest.mark.parametrize(
    ("stored", "forced", "step"),
    [
        # Our part decides again after a restart of its database from a back-up: it stops again.
        (Stored(OURS, 0, TO_JS, decides=True, marks="begun"), False, "stop"),
        # Rows came back after the outbox was empty.
        (Stored(OURS, 0, TO_JS, decides=False, outbox=1), False, "drain"),
        # A command died among the markers.
        (Stored(OURS, 0, TO_JS, decides=False, marks="begun"), False, "mark"),
        # One broker does not have the right yet.
        (Stored(OURS, 0, TO_JS, decides=False, marks="all", may_write=frozenset({JS})), False, "give"),
        # The partner ended its inbox in an earlier epoch, and not in this one.
        (Stored(JS, 3, TO_US, ended=1), False, "partners_end"),
        (Stored(JS, 3, TO_US, ended=1), True, "end"),
        # One broker still lets the partner write.
        (Stored(JS, 1, TO_US, ended=1, may_write=frozenset({JS})), False, "withdraw"),
        # The partner ends its inbox before the operator does.
        (Stored(JS, 1, TO_US, ended=1), True, "mark"),
        (Stored(JS, 1, TO_US, end_written=True), True, "pass"),
        # It was begun by force, and goes on without.
        (Stored(JS, 1, TO_US, end_written=True), False, "partners_end"),
    ],
)
def test_next_step_follows_from_what_is_stored(stored: Stored, forced: bool, step: Step) -> None:
    assert next_step(stored, stored.claim.to if stored.claim else "", forced=forced) == step


@pytest.mark.parametrize(
    ("stored", "to", "what"),
    [
        (OURS_AT_FIRST, OURS, "nothing"),
        (OURS_AT_FIRST, JS, "go"),
        (replace(OURS_AT_FIRST, claim=TO_JS), JS, "go"),
        (replace(OURS_AT_FIRST, claim=TO_JS), OTHER, "finish_first"),
        (replace(OURS_AT_FIRST, claim=TO_JS), OURS, "undo"),
        (replace(OURS_AT_FIRST, claim=TO_JS, marks="begun"), OURS, "finish_first"),
        (replace(OURS_AT_FIRST, claim=TO_JS, undone=True), JS, "finish_first"),
        (replace(OURS_AT_FIRST, claim=TO_JS, undone=True), OURS, "undo"),
        (replace(THEIRS, claim=TO_US), OURS, "go"),
        (replace(THEIRS, claim=TO_US), JS, "finish_first"),
        (replace(THEIRS, claim=Claim(OTHER, SINCE)), OURS, "finish_first"),
    ],
)
def test_course_of_a_wish(stored: Stored, to: str, what: str) -> None:
    assert course(stored, to) == what


def test_every_step_is_described() -> None:
    assert set(SAYS) > WAITING
