"""The plan of rounds, drawn from a seed, so that a run can be repeated. No I/O.

A round hands booking of one locality over and takes it back. At each step of both ways one participant is
killed. Over ten rounds each participant is killed at each step. `drain` and `pass` are no steps of the plan:
the command names them only where it has to wait.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Participant = Literal["matching", "admission", "command", "partner", "broker"]
Way = Literal["there", "back"]
# `owner`: the partner dies for good while it owns booking; `newcomer`: while booking is handed to it.
Dead = Literal["", "owner", "newcomer"]

PARTICIPANTS: Sequence[Participant] = ("matching", "admission", "command", "partner", "broker")
# The steps of `linkwork hand-over run`, `back` and `back --forced`, as it names them.
THERE = ("claim", "stop", "mark", "give", "raise")
BACK = ("claim", "partners_end", "withdraw", "mark", "raise")
FORCED = ("claim", "withdraw", "end", "mark", "raise")


@dataclass(frozen=True, slots=True)
class Round:
    """One hand-over and the way back.

    Attributes:
        there: who is killed at each step of the way there; `back` the same of the way back, by force or not.
        sleeper: one of our replicas is stopped throughout the round.
        strangers: clients that begin at the latest record and speak KIP-848 try to join the owners' groups.
        dead: the partner dies for good on the way, and booking comes back without it.
    """

    number: int
    there: Mapping[str, Participant] = field(default_factory=dict, hash=False)
    back: Mapping[str, Participant] = field(default_factory=dict, hash=False)
    sleeper: bool = False
    strangers: bool = False
    dead: Dead = ""

    @property
    def name(self) -> str:
        """The round's peculiarity in words."""
        words = []
        if self.sleeper:
            words.append("a replica of ours sleeps throughout")
        if self.strangers:
            words.append("clients from latest by KIP-848 try the groups")
        if self.dead == "owner":
            words.append("the partner dies as owner, back --forced")
        if self.dead == "newcomer":
            words.append("the partner dies half-way, back --forced")
        return "; ".join(words) or "a death at each step"

    def strikes(self, way: Way) -> Mapping[str, Participant]:
        """The participant to kill at each step of this way."""
        return self.there if way == "there" else self.back


def rounds(seed: int, times: int = 10) -> list[Round]:
    """The rounds of a whole run: one with a sleeper, one with strangers, two with a dead partner."""
    chance = random.Random(seed)
    order = list(PARTICIPANTS)
    chance.shuffle(order)
    # All within the first five: the other five then kill everybody at every step of the usual way back.
    sleeper, strangers, owner, newcomer = chance.sample(range(min(times, len(order))), 4)
    made = []
    for number in range(times):
        dead: Dead = "owner" if number == owner else "newcomer" if number == newcomer else ""
        made.append(
            Round(
                number + 1,
                there=_turns(order, THERE, number),
                back=_without_partner(order, number) if dead else _turns(order, BACK, number),
                sleeper=number == sleeper,
                strangers=number == strangers,
                dead=dead,
            )
        )
    return made


def short(seed: int) -> list[Round]:
    """One round in which a replica of ours sleeps, with a death on each way."""
    chance = random.Random(seed)
    there: dict[str, Participant] = {chance.choice(THERE[1:]): chance.choice(PARTICIPANTS[:-1])}
    back: dict[str, Participant] = {chance.choice(BACK[1:]): chance.choice(PARTICIPANTS[:-1])}
    return [Round(1, there, back, sleeper=True)]


def _turns(order: Sequence[Participant], steps: Sequence[str], first: int) -> dict[str, Participant]:
    return {step: order[(first + number) % len(order)] for number, step in enumerate(steps)}


def _without_partner(order: Sequence[Participant], first: int) -> dict[str, Participant]:
    """A dead partner cannot be killed: that step has no death."""
    return {step: who for step, who in _turns(order, FORCED, first).items() if who != "partner"}


def struck(made: Sequence[Round]) -> Counter[tuple[Way, str, Participant]]:
    """The number of planned deaths of each participant at each step of each way."""
    return Counter(_each(made))


def _each(made: Sequence[Round]) -> Iterator[tuple[Way, str, Participant]]:
    ways: tuple[Way, ...] = ("there", "back")
    for one in made:
        for way in ways:
            for step, who in one.strikes(way).items():
                yield way, step, who
