"""Visits every state that a system can reach, and says by which steps it reached a bad one."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S")
# A step's name, whether it leads on (a fault or a repeat does not), and the state after it.
Step = tuple[str, bool, S]


@dataclass(frozen=True)
class Found(Generic[S]):
    """The result of a search. `broken` is None if every state kept the rules."""

    states: int
    at_rest: int
    broken: str | None = None
    steps: tuple[str, ...] = ()


def search(
    first: S,
    steps: Callable[[S], Iterable[Step[S]]],
    broken: Callable[[S], str | None],
    broken_at_rest: Callable[[S], str | None],
) -> Found[S]:
    """Searches breadth first, so that the steps to a broken rule are the fewest.

    A state is at rest if no step leads on from it. `broken` judges each, `broken_at_rest` those at rest.
    """
    before: dict[S, tuple[S, str] | None] = {first: None}
    waiting = deque([first])
    at_rest = 0
    while waiting:
        state = waiting.popleft()
        rule = broken(state)
        if rule is None:
            leads_on = False
            for name, onward, after in steps(state):
                leads_on |= onward and after != state
                if after not in before:
                    before[after] = (state, name)
                    waiting.append(after)
            if not leads_on:
                at_rest += 1
                rule = broken_at_rest(state)
        if rule is not None:
            return Found(len(before), at_rest, rule, _steps_to(state, before))
    return Found(len(before), at_rest)


def _steps_to(state: S, before: dict[S, tuple[S, str] | None]) -> tuple[str, ...]:
    names: list[str] = []
    while (link := before[state]) is not None:
        state, name = link
        names.append(name)
    return tuple(reversed(names))
