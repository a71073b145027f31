"""The availability of a service, the same for ranking, search, service page and meeting. Pure.

The rules, in their order:

1. The latest statement to the programme counts for 60 days. That is an answer to a link worker's question
   ("we are full", "there is a waiting list"), or "places are free again". The service states the latter on
   its page, a link worker or the programme on the service's entry.
2. A yes to a request ends an earlier "full" or waiting list, and states no more than that.
3. After 60 days, or without a statement, the directory's own entry counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from services.matching.calendar import london_day
from services.matching.directory.feed.model import Capacity
from shared.contract import labels

# A statement counts for this time.
HOLDS: Final = timedelta(days=60)


class Word(StrEnum):
    """A kind of statement about a service's places."""

    FREE = "free"
    FULL = "full"
    WAITING_LIST = "waiting_list"
    TOOK_SOMEBODY = "took_somebody"


@dataclass(frozen=True, slots=True)
class Told:
    """A statement about a service's places, and its moment."""

    word: Word
    at: datetime


@dataclass(frozen=True, slots=True)
class Availability:
    """True if a service takes people. `capacity`: None if it is unknown.

    `since`: the London day of the statement; None if the answer is the directory's own.
    """

    capacity: Capacity | None = None
    since: date | None = None

    @property
    def full(self) -> bool:
        """True if the service takes no more people."""
        return self.capacity is Capacity.NO_CAPACITY

    @property
    def waited_for(self) -> bool:
        """True if the service takes no person at once, so that free places would be news."""
        return self.capacity in (Capacity.NO_CAPACITY, Capacity.WAITLIST)

    @property
    def said_free(self) -> bool:
        """True if a service or a link worker said that places are free again."""
        return self.capacity is Capacity.CAPACITY and self.since is not None


_MEANS: Final[Mapping[Word, Capacity]] = {
    Word.FREE: Capacity.CAPACITY,
    Word.FULL: Capacity.NO_CAPACITY,
    Word.WAITING_LIST: Capacity.WAITLIST,
}


def availability(listed: Capacity | None, told: Iterable[Told], now: datetime) -> Availability:
    """Tests whether a service takes people at `now`. `listed`: the directory's entry; `told`: statements."""
    recent = sorted((one for one in told if one.at > now - HOLDS), key=lambda one: one.at, reverse=True)
    while recent and recent[0].word is Word.TOOK_SOMEBODY:
        took = recent.pop(0)
        # A yes means that places were free then, so earlier statements against it no longer count.
        recent = [one for one in recent if one.word in (Word.FREE, Word.TOOK_SOMEBODY) or one.at > took.at]
    if not recent:
        return Availability(listed)
    since = recent[0].at
    for one in recent:
        if one.word is not recent[0].word:
            break
        since = one.at
    return Availability(_MEANS[recent[0].word], london_day(since))


def in_words(found: Availability) -> str:
    """Words such as "Full since 3 November", "Takes people now". Empty if it is unknown."""
    if found.capacity is None:
        return ""
    if found.since is None:
        label = labels.CAPACITY[found.capacity]
        return f"{label}, says the directory" if found.full else label
    day = f"{found.since.day} {found.since:%B}"
    if found.full:
        return f"Full since {day}"
    if found.capacity is Capacity.CAPACITY:
        return f"Places free, as they said on {day}"
    return f"{labels.CAPACITY[found.capacity]}, as they said on {day}"
