"""The hand-over of booking in one locality, as every order of small steps that its parts can take.

Ours (A) hands booking to a partner (B), and takes it back. The parts and what each can do wrong:

- two replicas of ours share a database; each decides in a transaction of its own, and may sleep in the middle
  of it, or die;
- a relay publishes outbox rows, and may publish a row again after a crash;
- the partner follows the log in a group of its own, hears of the control topic late, and says a decision in
  its inbox, where admission judges it and copies it into the log, or refuses it;
- the broker delays what was sent, and shows an inbox's last record only later (its high watermark);
- the operator's command dies after any step, and does that step again.

`omitted` names safeguards that are left out. A search of `steps` from `first` must then find a broken rule.
"""

from collections.abc import Iterator
from typing import Final, Literal

from docs.contract.model.state import (
    PUT_OFF_BY_US,
    Part,
    Record,
    Row,
    State,
    Work,
    copied,
    with_row,
    with_work,
)

# Epochs are 1 (ours), 2 (the partner's) and 3 (ours again).
OWNERS: Final[dict[int, Part]] = {1: "A", 2: "B", 3: "A"}
SAFEGUARDS: Final = {
    "own_row": "Each deciding transaction writes its process's own row, which the flip writes too.",
    "joining": "A process that joins writes its row only if ownership is still as it read it.",
    "empty_outbox": "The marker waits until no row of the former owner is left in the outbox.",
    "marker": "The newcomer decides nothing before it has passed the marker.",
    "all_markers": "It has passed the marker in every partition of every topic, not in one topic only.",
    "look": "The newcomer looks once at every referral that is open in its fold.",
    "end_of_inbox": "Admission passes the end of the former owner's inbox before the marker.",
    "inbox_marker": "That end is a record of its own: a high watermark may hide the last record before it.",
    "void_tasks": "Scheduled tasks of a former epoch are void.",
    "first_appearance": "A fact belongs to the epoch of its first appearance, wherever it comes again.",
}


# The operator's record at the end of an inbox.
_END: Final = 0

# The command's steps: those of our part's way out, then those of the partner's.
_THERE: Final = ("flip", "outbox is empty", "mark referrals", "mark bookings", "raise to 2")
_BACK: Final = (
    "take rights",
    "end inbox",
    "pass inbox",
    "mark referrals again",
    "mark bookings again",
    "raise to 3",
)
_STEPS: Final = (*_THERE, *_BACK)
Way = Literal["there", "back"]


class Model:
    """One hand-over: of so many referrals, there or back, perhaps with a safeguard omitted."""

    def __init__(self, way: Way = "there", referrals: int = 1, *, omitted: str | None = None) -> None:
        if omitted is not None and omitted not in SAFEGUARDS:
            raise ValueError(f"There is no safeguard {omitted!r}: use one of {', '.join(SAFEGUARDS)}.")
        self._way = way
        self._referrals = range(1, referrals + 1)
        self._last = len(_THERE) if way == "there" else len(_STEPS)
        self._omitted = omitted

    def _has(self, safeguard: str) -> bool:
        return self._omitted != safeguard

    @property
    def first(self) -> State:
        """There, nothing has been said. Back, the partner owns booking, and we had put a referral off."""
        if self._way == "there":
            return State()
        return PUT_OFF_BY_US._replace(at=len(_THERE))

    # Rules.

    def counting(self, booked: tuple[Record, ...]) -> list[Record]:
        """The answers that count, each once, by the epoch of their first appearance. This is the fold."""
        epoch, epoch_of = 1, dict[Record, int]()
        for record in booked:
            if record[0] == "M":
                epoch = record[1]
            elif record not in epoch_of or not self._has("first_appearance"):
                epoch_of[record] = epoch
        return [r for r, epoch in epoch_of.items() if OWNERS[epoch] == r[0] or not self._has("marker")]

    def broken(self, state: State) -> str | None:
        """The rule that this state breaks: a referral has one answer, and each fact in the log counts."""
        counting = self.counting(state.booked)
        answered = {referral for _, _, referral in counting}
        if len(counting) > len(answered):
            return "two deciders"
        if any(record[0] != "M" and record not in counting for record in state.booked):
            return "a fact lost"
        return None

    def broken_at_rest(self, state: State) -> str | None:
        """The rule that this state breaks, as nothing more will happen by itself."""
        if state.at != self._last:
            return "no end"
        counting = self.counting(state.booked)
        answered = {referral for _, _, referral in counting}
        if set(self._referrals) - answered:
            return "nobody decides"
        if any(("A", epoch, referral) not in counting for referral, epoch in state.decided):
            return "a fact lost"
        return None

    # Steps.

    def steps(self, state: State) -> Iterator[tuple[str, bool, State]]:
        """Each step that may come next: its name, whether it leads on, and the state after it."""
        yield from self._referral(state)
        yield from self._ours(state)
        yield from self._relay(state)
        yield from self._partner(state)
        yield from self._admission(state)
        yield from self._command(state)

    def _referral(self, state: State) -> Iterator[tuple[str, bool, State]]:
        said = sum(1 for each in state.created if each > 0)
        if said < len(self._referrals):
            yield "referral created", True, state._replace(created=(*state.created, said + 1))

    # Ours.

    def _open_for_us(self, state: State, referral: int) -> bool:
        known = state.created[: state.read_created]
        answered = any(each[2] == referral for each in self.counting(state.booked[: state.read_booked]))
        ours = any(decided == referral for decided, _ in state.decided)
        if referral not in known or answered or ours:
            return False
        # Without the look, the newcomer answers what arrives behind the marker only.
        return state.epoch < 3 or self._has("look") or known.index(referral) > _place(known, -3)

    def _may_decide(self, state: State, row: Row) -> bool:
        if row.epoch == 0:
            return False
        if row.epoch < 3 or not self._has("marker"):
            return True
        passed = -3 in state.created[: state.read_created]
        if not self._has("all_markers"):
            return passed
        return passed and ("M", 3, 0) in state.booked[: state.read_booked]

    def _ours(self, state: State) -> Iterator[tuple[str, bool, State]]:
        if state.read_created < len(state.created):
            yield "ours reads referrals", True, state._replace(read_created=state.read_created + 1)
        if state.read_booked < len(state.booked):
            yield "ours reads bookings", True, state._replace(read_booked=state.read_booked + 1)
        for number, row in enumerate(state.rows):
            if row is None:
                yield from self._join(state, number)
                continue
            work = state.working[number]
            if work is not None:
                yield f"replica {number} dies", False, with_work(state, number, None)
                yield from self._commit(state, number, row, work)
                continue
            if self._may_decide(state, row):
                yield from self._begin(state, number, row)
            # Rows follow the epoch: the flip ended the former one in all of them.
            if state.epoch == 3 and row.epoch == 0:
                yield (
                    f"replica {number} hears of epoch 3",
                    True,
                    with_row(state, number, Row(3, row.written)),
                )

    def _begin(self, state: State, number: int, row: Row) -> Iterator[tuple[str, bool, State]]:
        for referral in self._referrals:
            if self._open_for_us(state, referral):
                work = Work(referral, row.epoch, row.written, by_task=False)
                yield f"replica {number} begins with {referral}", True, with_work(state, number, work)
                if row.epoch == 1 and not any(task == referral for task, _ in state.tasks):
                    later = state._replace(tasks=state.tasks | {(referral, 1)})
                    yield f"replica {number} puts {referral} off to a later day", False, later
        for referral, epoch in state.tasks:
            if epoch == row.epoch or not self._has("void_tasks"):
                # A task was decided earlier: it does not look at the log again.
                work = Work(referral, row.epoch, row.written, by_task=True)
                yield (
                    f"replica {number} begins with {referral}, which is due",
                    True,
                    with_work(state, number, work),
                )

    def _commit(self, state: State, number: int, row: Row, work: Work) -> Iterator[tuple[str, bool, State]]:
        without = with_work(state, number, None)
        decided = (work.referral, work.epoch) in state.decided
        conflict = self._has("own_row") and row.written != work.row_written
        if conflict or decided or not (work.by_task or self._open_for_us(state, work.referral)):
            yield f"replica {number} is told of a conflict", True, without
            return
        said = (work.referral, work.epoch)
        tasks = frozenset(task for task in state.tasks if task[0] != work.referral)
        done = without._replace(decided=state.decided | {said}, outbox=state.outbox | {said}, tasks=tasks)
        yield f"replica {number} commits {work.referral}", True, done

    def _join(self, state: State, number: int) -> Iterator[tuple[str, bool, State]]:
        if state.joining is None:
            yield f"replica {number} reads who owns booking", False, state._replace(joining=state.flips)
            return
        read_before_the_flip = state.joining == 0
        if state.joining == state.flips or not self._has("joining"):
            epoch = 1 if read_before_the_flip else 0
            joined = with_row(state, number, Row(epoch, state.flips))._replace(joining=None)
            yield f"replica {number} joins", False, joined
        else:
            yield (
                f"replica {number} is told of a conflict and reads again",
                False,
                state._replace(joining=None),
            )

    def _relay(self, state: State) -> Iterator[tuple[str, bool, State]]:
        for row in state.outbox:
            said: Record = ("A", row[1], row[0])
            if row not in state.on_the_way and state.booked.count(said) < 2 and self._published(state, row):
                yield (
                    f"the relay sends {said}",
                    said not in state.booked,
                    state._replace(on_the_way=state.on_the_way | {row}),
                )
            if said in state.booked:
                yield f"the relay removes {said}", True, state._replace(outbox=state.outbox - {row})
        for row in state.on_the_way:
            arrived = state._replace(
                on_the_way=state.on_the_way - {row}, booked=(*state.booked, ("A", row[1], row[0]))
            )
            yield f"the broker writes A's answer for {row[0]}", True, arrived

    def _published(self, state: State, row: tuple[int, int]) -> bool:
        """Tests whether the relay publishes the row: one of an ended epoch is set aside."""
        return row[1] == state.epoch or (row[1] == 1 and state.at < len(_THERE))

    # The partner.

    def _passed(self, state: State) -> bool:
        if not self._has("marker"):
            return True
        passed = -2 in state.created[: state.b_created]
        return passed and (("M", 2, 0) in state.booked[: state.b_booked] or not self._has("all_markers"))

    def _partner(self, state: State) -> Iterator[tuple[str, bool, State]]:
        if state.b_created < len(state.created):
            yield "partner reads referrals", True, state._replace(b_created=state.b_created + 1)
        if state.b_booked < len(state.booked):
            yield "partner reads bookings", True, state._replace(b_booked=state.b_booked + 1)
        if state.b_epoch < state.epoch:
            yield "partner hears of the epoch", True, state._replace(b_epoch=state.epoch)
        if state.b_epoch == 2 and self._passed(state):
            known = state.created[: state.b_created]
            answered = {each[2] for each in self.counting(state.booked[: state.b_booked])}
            for referral in self._referrals:
                if referral not in known or referral in answered or referral in state.b_decided:
                    continue
                if self._has("look") or known.index(referral) > _place(known, -2):
                    decided = state._replace(
                        b_decided=state.b_decided | {referral}, b_sending=state.b_sending | {referral}
                    )
                    yield f"partner decides {referral}", True, decided
        for referral in state.b_sending:
            kept = state.b_sending - {referral}
            if state.b_may_write:
                written = state._replace(b_sending=kept, inbox=(*state.inbox, referral))
                yield f"partner writes {referral} into its inbox", True, written
                if state.inbox.count(referral) == 0:
                    again = state._replace(inbox=(*state.inbox, referral))
                    yield f"partner writes {referral}, and will again", False, again
            elif state.epoch != 2 or state.at > len(_THERE):
                yield f"the broker refuses {referral}", True, state._replace(b_sending=kept)

    # Admission.

    def _admission(self, state: State) -> Iterator[tuple[str, bool, State]]:
        if state.shown < len(state.inbox):
            yield "the inbox shows a record", True, state._replace(shown=state.shown + 1)
        if state.a_copy is not None:
            yield "admission's copy arrives", True, copied(state, state.a_copy)._replace(a_copy=None)
        if state.judged < state.shown:
            referral = state.inbox[state.judged]
            judged = state._replace(judged=state.judged + 1)
            if referral == _END:
                yield "admission passes the end of the inbox", True, judged
            elif state.epoch == 2 and _END not in state.inbox[: state.judged]:
                yield f"admission copies {referral}", True, copied(judged, referral)
                if state.a_copy is None and state.booked.count(("B", 2, referral)) == 0:
                    # A second process of admission has judged it too, and sleeps before its copy arrives.
                    yield (
                        f"admission copies {referral} twice",
                        False,
                        copied(judged, referral)._replace(a_copy=referral),
                    )
            else:
                yield (
                    f"admission refuses {referral}",
                    True,
                    judged._replace(refused=state.refused | {referral}),
                )

    # The operator's command.

    def _command(self, state: State) -> Iterator[tuple[str, bool, State]]:
        if state.at >= self._last:
            return
        name = _STEPS[state.at]
        after = self._does(name, state)
        if after is None:
            return
        yield f"command: {name}", True, after._replace(at=state.at + 1)
        if name.startswith("mark") and not _marked_twice(after):
            yield f"command: {name}, then dies", False, after

    def _does(self, name: str, state: State) -> State | None:
        """The state after the command's step, or None while that step has to wait."""
        match name:
            case "flip":
                rows = tuple(row and Row(0, row.written + 1) for row in state.rows)
                return state._replace(rows=rows, flips=state.flips + 1)
            case "outbox is empty":
                return None if state.outbox and self._has("empty_outbox") else state
            case "mark referrals":
                return state._replace(created=(*state.created, -2)) if self._has("marker") else state
            case "mark bookings":
                return state._replace(booked=(*state.booked, ("M", 2, 0))) if self._has("marker") else state
            case "raise to 2":
                return state._replace(epoch=2, b_may_write=True)
            case "take rights":
                return state._replace(b_may_write=False)
            case "end inbox":
                return state._replace(inbox=(*state.inbox, _END)) if self._has("inbox_marker") else state
            case "pass inbox":
                return state if self._passed_the_inbox(state) else None
            case "mark referrals again":
                return state._replace(created=(*state.created, -3)) if self._has("marker") else state
            case "mark bookings again":
                return state._replace(booked=(*state.booked, ("M", 3, 0))) if self._has("marker") else state
            case _:  # raise to 3
                return state._replace(epoch=3)

    def _passed_the_inbox(self, state: State) -> bool:
        if not self._has("end_of_inbox"):
            return True
        if not self._has("inbox_marker"):
            return state.judged == state.shown
        return _END in state.inbox[: state.judged]


def _marked_twice(state: State) -> bool:
    return any(state.created.count(-epoch) > 1 or state.booked.count(("M", epoch, 0)) > 1 for epoch in (2, 3))


def _place(known: tuple[int, ...], marker: int) -> int:
    return known.index(marker) if marker in known else -1
