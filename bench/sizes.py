"""The sizes of a measurement: a smoke test, the usual one, or the long one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True)
class Size:
    """Records, rounds and seconds of every part of the measurement."""

    name: str
    many: int  # Records for the quick programs of the comparison.
    some: int
    few: int  # Records for the slow ones.
    rounds: int
    processes: tuple[int, ...]  # Numbers of the kernel's processes.
    peers: bool  # Includes programs that need more than our own environment.
    rates: tuple[int, ...]  # Events, or requests, a second.
    seconds: float  # Seconds at each rate.
    backlog: int
    grown: int  # Records that the kernel has stored at the end of the growth.
    referrals: int  # Referrals in the figures of the page.
    asked: int  # Requests for each page.
    localities: tuple[int, ...]  # Numbers of localities of a system at rest.
    replicas: tuple[int, ...]  # Numbers of replicas of each service.
    referred: int  # Referrals a second while replicas join and die.
    steady: float  # Seconds with each number of replicas.
    piled_up: int  # Events that each service works off with each number of replicas.
    diaries: int  # Link workers among whose diaries a time is searched.
    searches: int


SMOKE = Size(
    name="smoke",
    many=600,
    some=400,
    few=50,
    rounds=1,
    processes=(2,),
    peers=False,
    rates=(20,),
    seconds=1.0,
    backlog=2_000,
    grown=2_000,
    referrals=200,
    asked=2,
    localities=(2,),
    replicas=(1, 2),
    referred=5,
    steady=2.0,
    piled_up=500,
    diaries=40,
    searches=20,
)
USUAL = Size(
    name="usual",
    many=100_000,
    some=30_000,
    few=500,
    rounds=3,
    processes=(1, 2, 4),
    peers=True,
    rates=(20, 50, 100, 200),
    seconds=20.0,
    backlog=360_000,
    grown=200_000,
    referrals=1_000_000,
    asked=40,
    localities=(8, 50, 200),
    replicas=(1, 2, 4),
    referred=12,
    steady=15.0,
    piled_up=20_000,
    diaries=4_000,
    searches=1_000,
)
SHORT = replace(
    USUAL,
    name="short",
    many=20_000,
    some=10_000,
    few=300,
    rounds=1,
    seconds=10.0,
    backlog=36_000,
    grown=20_000,
    referrals=100_000,
    asked=20,
    diaries=1_000,
    searches=1_000,
)
LONG = replace(USUAL, name="long", seconds=30.0, grown=1_000_000)
SIZES: Final[Mapping[str, Size]] = {size.name: size for size in (SMOKE, SHORT, USUAL, LONG)}
