"""The plan of faults, targets and times, drawn from a seed, so that a run can be repeated. No I/O.

A stage's lanes run side by side, each with targets of its own. Faults that affect all services have a stage
of their own. Within a lane strikes follow each other.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest

SERVICES = ("referral", "matching", "notifications", "evaluation")
# Services with a second replica, and its name.
TWINS = {"matching": "matching-2", "notifications": "notifications-2"}
PROXIED = ("referral", "matching-2", "notifications-2", "evaluation")
DISK_FULL = "disk full for MongoDB"
PAUSE_SECONDS = 12.0  # Longer than a group waits for a member (3 s) and than a lease lasts (10 s).


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault at its targets, which lasts `seconds`. Then the lane rests before its next strike."""

    fault: str
    targets: tuple[str, ...]
    seconds: float = 0.0
    rest: float = 0.5
    wrong_by: float = 0.0  # Seconds, of a clock.

    @property
    def parts(self) -> tuple[str, ...]:
        """The services that are affected meanwhile."""
        return tuple(dict.fromkeys(target.rstrip("-0123456789") for target in self.targets))


Lane = tuple[Strike, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """Lanes that run side by side."""

    lanes: tuple[Lane, ...]


def on_one_of_each(seed: int, times: int) -> tuple[Stage, ...]:
    """The plan for one broker and one database, with every fault this many times."""
    chance = random.Random(seed)
    lanes: dict[str, list[Strike]] = {name: [] for name in SERVICES}
    for strike in _of_one_service(chance, times):
        lanes[strike.parts[0]].append(strike)
    for lane in lanes.values():
        chance.shuffle(lane)
    lanes["bus"] = [Strike("poison", SERVICES, rest=1.0) for _ in range(times)]
    # A lane of their own: one clock at a time is wrong, and its events are received before the next strike.
    lanes["clocks"] = list(_each(times, SERVICES, lambda t: _wrong_clock(t, chance.choice((-1.0, 1.0)))))
    if times > 2:  # It lasts 100 seconds, for which a short run has no time.
        lanes["owners"] = [
            Strike("booking handed over and back", ("matching",), rest=2.0) for _ in range(times)
        ]
    lanes["two"] = [_two_killed(chance) for _ in range(times)]
    paused = list(
        _each(times, tuple(TWINS.values()), lambda t: Strike("replica paused", (t,), PAUSE_SECONDS))
    )
    for twin in TWINS.values():  # each lasts so long that other strikes would wait for it
        lanes[twin] = [strike for strike in paused if strike.targets == (twin,)]
    everybody: list[Strike] = []
    for _ in range(times):  # Each fault once before any comes again, if the time is short.
        once = [
            Strike("all services killed", (*SERVICES, *TWINS.values())),
            Strike("Kafka killed", SERVICES),
            Strike("MongoDB killed", SERVICES),
            Strike(DISK_FULL, SERVICES, seconds=chance.uniform(0.5, 2.0)),
        ]
        chance.shuffle(once)
        everybody += once
    return (Stage(tuple(tuple(lane) for lane in lanes.values() if lane)), Stage((tuple(everybody),)))


def on_three_of_each(seed: int, times: int) -> tuple[Stage, ...]:
    """The plan for three brokers and three database members."""
    chance = random.Random(seed)
    brokers = tuple(Strike("broker of three killed", SERVICES, seconds=0.5) for _ in range(times))
    primaries = (
        Strike("primary of three steps down", SERVICES, rest=chance.uniform(0.5, 3.0)) for _ in range(times)
    )
    return (Stage((brokers, tuple(primaries))),)


def _of_one_service(chance: random.Random, times: int) -> Iterator[Strike]:
    for service in SERVICES:
        for _ in range(times):
            yield Strike(f"{service} killed", (_replica(chance, service),))
    for _ in range(times):
        yield Strike("killed at the gateway's yes", (_replica(chance, "notifications"),), seconds=10.0)
    for fault in ("cut", "delay", "reset"):
        for store in ("Kafka", "MongoDB"):
            name = f"network to {store}: {fault}"
            seconds = {"cut": (1.0, 4.0), "delay": (1.0, 3.0), "reset": (0.0, 0.0)}[fault]
            yield from _each(
                times,
                chance.sample(PROXIED, len(PROXIED)),
                lambda t, name=name, seconds=seconds: Strike(name, (t,), chance.uniform(*seconds)),  # type: ignore[misc]
            )
    yield from _each(times, SERVICES, lambda t: Strike("rebalance storm", (t,), 4.0))


def _wrong_clock(target: str, hours: float) -> Strike:
    return Strike("clock wrong by an hour", (target,), 2.0, rest=9.0, wrong_by=3600 * hours)


def _two_killed(chance: random.Random) -> Strike:
    two = chance.sample(SERVICES, 2)
    return Strike("two services killed", tuple(_replica(chance, service) for service in two))


def _each(times: int, targets: Sequence[str], make: Callable[[str], Strike]) -> Iterator[Strike]:
    """This many strikes in all, of each target in turn."""
    for number in range(times):
        yield make(targets[number % len(targets)])


def _replica(chance: random.Random, service: str) -> str:
    return chance.choice([service, TWINS.get(service, service)])


def counts(stages: tuple[Stage, ...]) -> Counter[str]:
    """The planned number of strikes of each fault."""
    return Counter(strike.fault for stage in stages for lane in stage.lanes for strike in lane)


def without(stages: tuple[Stage, ...], fault: str) -> tuple[Stage, ...]:
    """The plan without a fault that this machine does not support."""
    return tuple(
        Stage(tuple(tuple(strike for strike in lane if strike.fault != fault) for lane in stage.lanes))
        for stage in stages
    )


def apart(stages: tuple[Stage, ...], seconds: float) -> tuple[Stage, ...]:
    """The plan with one strike at a time and rest after each, which shows the cost of a single fault."""
    return tuple(Stage((tuple(_in_turn(stage.lanes, seconds)),)) for stage in stages)


def _in_turn(lanes: tuple[Lane, ...], seconds: float) -> Iterator[Strike]:
    for strike in chain.from_iterable(zip_longest(*lanes)):
        if strike is not None:
            yield replace(strike, rest=seconds)


def rested(stages: tuple[Stage, ...], seconds: float) -> tuple[Stage, ...]:
    """The plan with at least so much rest after each strike, for a machine that starts processes slowly."""
    return tuple(Stage(tuple(_rested(lane, seconds) for lane in stage.lanes)) for stage in stages)


def _rested(lane: Lane, seconds: float) -> Lane:
    return tuple(replace(strike, rest=max(strike.rest, seconds)) for strike in lane)


def only(stages: tuple[Stage, ...], words: str) -> tuple[Stage, ...]:
    """The part of a plan with faults whose names contain one of these words, separated by commas."""
    kept = (Stage(tuple(_holding(lane, words) for lane in stage.lanes)) for stage in stages)
    return tuple(stage for stage in kept if any(stage.lanes))


def _holding(lane: Lane, words: str) -> Lane:
    return tuple(strike for strike in lane if any(each in strike.fault for each in words.split(",")))
