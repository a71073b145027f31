"""The ratio of two programs' speeds, round by round, and the target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

LONG_EVENTS: Final = 400_000


@dataclass(frozen=True)
class Goal:
    """`ours` should be this many times as fast as `theirs`; over a long run perhaps less."""

    words: str
    ours: str
    theirs: str
    at_least: float
    at_least_long: float | None = None

    def wanted(self, events: int) -> float:
        """The factor aimed at in a run of this number of records."""
        if self.at_least_long is not None and events >= LONG_EVENTS:
            return self.at_least_long
        return self.at_least


GOALS: Final = (
    Goal("two processes / Kafka Streams, two threads", "kernel-2", "streams-2", 1.2, 1.0),
    Goal("two processes / Kafka Streams, one store", "kernel-2", "streams-2-facts", 1.2, 1.0),
    Goal("one process / one transaction an event", "kernel-1", "one-each", 60),
    Goal("one process / bulk upserts without guarantee", "kernel-1", "bulk", 2),
)


def rates_of(key: str, runs: Sequence[Mapping[str, Any]]) -> dict[int, float]:
    """A program's rate in each round."""
    return {run["round"]: run["rate"] for run in runs if run["contender"] == key}


def goal_ratios(goal: Goal, runs: Sequence[Mapping[str, Any]]) -> list[float]:
    """The ratio in each round in which both ran."""
    ours, theirs = rates_of(goal.ours, runs), rates_of(goal.theirs, runs)
    return [ours[number] / theirs[number] for number in sorted(ours.keys() & theirs.keys())]
