"""The state that the hand-over's model keeps of each part between two steps."""

from typing import Literal, NamedTuple

Part = Literal["A", "B"]
# A record of the log of bookings: an answer (decider, epoch, referral), or a marker ("M", epoch, 0).
Record = tuple[str, int, int]


class Row(NamedTuple):
    """A process's own row: the epoch in which it may decide (0: none), and how often it was written."""

    epoch: int
    written: int


class Work(NamedTuple):
    """A transaction of a replica, begun and not yet committed."""

    referral: int
    epoch: int
    row_written: int
    by_task: bool


class State(NamedTuple):
    """The whole system between two steps."""

    # The log: topics of referrals (numbers; -epoch is a marker) and of bookings.
    created: tuple[int, ...] = ()
    booked: tuple[Record, ...] = ()
    # Ours: how far the database has read each topic, decisions, outbox, what is on the way to the broker.
    read_created: int = 0
    read_booked: int = 0
    decided: frozenset[tuple[int, int]] = frozenset()
    outbox: frozenset[tuple[int, int]] = frozenset()
    on_the_way: frozenset[tuple[int, int]] = frozenset()
    tasks: frozenset[tuple[int, int]] = frozenset()
    # One row and one transaction a replica. The second joins later: None before it has read ownership.
    rows: tuple[Row | None, ...] = (Row(1, 0), None)
    joining: int | None = None
    working: tuple[Work | None, ...] = (None, None)
    flips: int = 0
    # The partner: how far it has read, the epoch that it has heard of, its decisions, its inbox.
    b_created: int = 0
    b_booked: int = 0
    b_epoch: int = 1
    b_decided: frozenset[int] = frozenset()
    b_sending: frozenset[int] = frozenset()
    b_may_write: bool = False
    inbox: tuple[int, ...] = ()
    shown: int = 0
    # Admission: records judged, and the copies that a second process of it still has on the way.
    judged: int = 0
    a_copy: int | None = None
    refused: frozenset[int] = frozenset()
    # The operator's command: the next step, and the epoch in force.
    at: int = 0
    epoch: int = 1


def with_row(state: State, number: int, row: Row) -> State:
    """The state with another row of this replica."""
    return state._replace(rows=(*state.rows[:number], row, *state.rows[number + 1 :]))


def with_work(state: State, number: int, work: Work | None) -> State:
    """The state with another transaction of this replica, or none."""
    return state._replace(working=(*state.working[:number], work, *state.working[number + 1 :]))


def copied(state: State, referral: int) -> State:
    """The state with admission's copy of the partner's answer in the log."""
    return state._replace(booked=(*state.booked, ("B", 2, referral)))


# The partner owns booking since epoch 2. In epoch 1 we had put referral 1 off to a later day.
PUT_OFF_BY_US = State(
    created=(1, -2),
    booked=(("M", 2, 0),),
    read_created=1,
    tasks=frozenset({(1, 1)}),
    rows=(Row(0, 1), Row(0, 1)),
    flips=1,
    b_created=2,
    b_booked=1,
    b_epoch=2,
    b_may_write=True,
    epoch=2,
)
