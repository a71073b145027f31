"""Decides what follows from an attempt: when to retry, when to give up, when to disable. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]+", re.ASCII)
_MAX_DIGITS: Final = 6
_GONE: Final = 410
_SLOW_DOWN: Final = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Schedule:
    """Times of retrying.

    Attributes:
        first_retry: the longest wait after the first failure; each later one is twice as long.
        longest_retry: no wait is longer.
        give_up_after: a delivery that still fails so long after it was due is given up.
        disable_after: an endpoint at which every attempt has failed for so long is disabled.
        fewest_failures: and at which so many have.
        shortest_pause: bounds of what an answer's Retry-After may ask for.
        longest_pause: the other bound.
        wake_after: an endpoint that failed for so long is sent all that waits, once it answers.
    """

    first_retry: timedelta = timedelta(seconds=20)
    longest_retry: timedelta = timedelta(hours=2)
    give_up_after: timedelta = timedelta(hours=24)
    disable_after: timedelta = timedelta(hours=12)
    fewest_failures: int = 5
    shortest_pause: timedelta = timedelta(seconds=1)
    longest_pause: timedelta = timedelta(hours=1)
    wake_after: timedelta = timedelta(minutes=10)


class Outcome(StrEnum):
    """The meaning of an attempt."""

    DELIVERED = "delivered"
    FAILED = "failed"
    SLOW_DOWN = "slow_down"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of an attempt: an HTTP status, or the code of the error that came in its place."""

    status: int | None = None
    error: str = ""
    retry_after: str | None = None

    @property
    def code(self) -> str:
        """The result as one word, for the list of deliveries."""
        return str(self.status) if self.status is not None else self.error

    @property
    def outcome(self) -> Outcome:
        """The meaning of this answer."""
        if self.status is None:
            return Outcome.FAILED
        if 200 <= self.status < 300:
            return Outcome.DELIVERED
        if self.status == _GONE:
            return Outcome.GONE
        return Outcome.SLOW_DOWN if self.status in _SLOW_DOWN else Outcome.FAILED


def backoff(attempts: int, chance: float, schedule: Schedule) -> timedelta:
    """The wait after so many failed attempts: between half of the full wait and the whole of it.

    `chance` is random, from 0 up to 1, so that receivers that come back are not met by all at once.
    """
    doublings = min(max(attempts - 1, 0), 30)
    full = min(schedule.first_retry * int(2**doublings), schedule.longest_retry)
    return full * (0.5 + chance / 2)


def pause(answer: Answer, now: datetime, schedule: Schedule) -> timedelta | None:
    """The wait that a receiver asks for, within bounds. None if it asks for none that can be read."""
    asked = answer.retry_after.strip() if answer.retry_after else ""
    if answer.outcome is not Outcome.SLOW_DOWN or not asked:
        return None
    if _SECONDS.fullmatch(asked):
        digits = asked.lstrip("0") or "0"
        wait = timedelta(seconds=int(digits)) if len(digits) <= _MAX_DIGITS else schedule.longest_pause
    else:
        try:
            until = parsedate_to_datetime(asked)
        except (ValueError, OverflowError):
            return None
        wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(wait, schedule.shortest_pause), schedule.longest_pause)


def gives_up(at: datetime, resumed: datetime, now: datetime, schedule: Schedule) -> bool:
    """Tells whether a failed delivery is given up. `resumed`: when its endpoint was last enabled."""
    return now - max(at, resumed) >= schedule.give_up_after


def disables(failing_since: datetime, failures: int, now: datetime, schedule: Schedule) -> bool:
    """Tells whether an endpoint has failed for so long and so often that it is disabled."""
    return failures >= schedule.fewest_failures and now - failing_since >= schedule.disable_after
