"""The contents of the histories of `test_machine.py`, on which its invariants rest."""

from collections import Counter
from collections.abc import Iterable

from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.unit.delivery.test_machine import A_TURN, Kernel

# What each activity waits for. A `commit` is a transaction's; in the activity of that name, of offsets.
AWAITS = {
    "batch": ["find", "write", "commit"],
    "command": ["find", "write", "commit"],
    "due": ["find", "answer", "delete", "write", "commit"],
    "own": ["find", "answer", "publish", "delete"],
    "relay": ["find", "answer", "publish", "delete"],
    "look": ["find", "answer"],
    "commit": ["write", "commit"],
    "opens": ["describe", "fetch", "find", "write"],
}
COMES = ["goes on", "fails", "goes unanswered"]
STRIKES = ["is killed", "is taken for dead", "a rebalance"]
CANCELLED = ["is cancelled", "is cancelled, unanswered"]
MAX_TURNS = 80


def test_histories_hold_every_await_with_every_outcome() -> None:
    seen = Counter[tuple[str, str, str]]()

    class Seen(Kernel):
        def teardown(self) -> None:
            seen.update({(what, kind_of(name), outcome) for what, name, outcome in self.world.seen})
            self.world.close()

    wanted = every(AWAITS, COMES) | every(["batch", "command"], [*STRIKES, *CANCELLED])
    wanted |= every(["commit"], [*CANCELLED, "is given up", "a rebalance"])
    # The rarest come about once in ten turns.
    for turn in range(MAX_TURNS):
        run_state_machine_as_test(
            seed(turn)(Seen), settings=settings(A_TURN, stateful_step_count=50, database=None)
        )
        if not wanted - set(seen):
            break
    assert wanted - set(seen) == set()


def every(activities: Iterable[str], outcomes: Iterable[str]) -> set[tuple[str, str, str]]:
    return {(what, kind, outcome) for what in activities for kind in AWAITS[what] for outcome in outcomes}


def kind_of(name: str) -> str:
    """An await by its verb: what is inserted or changed is written."""
    return name.split(maxsplit=1)[0].replace("insert", "write")
