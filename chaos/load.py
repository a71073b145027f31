"""The load: referrals by practices and by a partner, with meetings and outcomes, at a fixed rate."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from chaos.bus import Bus, Meetings
from chaos.journeys import Partner
from chaos.posts import Practices

# Seconds. A partner hands over its gathered events one locality at a time, as such systems do.
EVERY = 0.25


@dataclass(frozen=True, slots=True)
class Rates:
    """Referrals a second: by practices, by a partner without a meeting, and by a partner with a history."""

    posts: float
    without_meeting: float
    histories: float

    @classmethod
    def of(cls, together: float) -> "Rates":
        """Rates that add up to `together`.

        Most referrals have a history, as booking a meeting costs far more.
        """
        posts, without_meeting = min(0.05 * together, 1.0), min(0.15 * together, 4.0)
        return cls(posts, without_meeting, together - posts - without_meeting)


class Load:
    """Makes referrals until it is stopped. Counts the referrals begun."""

    def __init__(
        self,
        rates: Rates,
        practices: Practices,
        bus: Bus,
        meetings: Meetings,
        clock: Callable[[], datetime],
        chance: random.Random,
    ) -> None:
        self._rates = rates
        self._practices = practices
        self._bus = bus
        self._meetings = meetings
        self._clock = clock
        self._chance = chance
        self._partners = [
            Partner(each.slug, [practice.ods for practice in each.practices], chance)
            for each in practices.localities
        ]
        self.begun = 0
        # Time of the hand-over of each referral that needs a meeting.
        self.asked: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._saying: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Starts the load."""
        self._tasks = [asyncio.create_task(self._refer()), asyncio.create_task(self._tell())]

    async def _refer(self) -> None:
        began, count = time.monotonic(), 0
        while True:
            count += 1
            await asyncio.sleep(max(0.0, began + count / self._rates.posts - time.monotonic()))
            self._practices.refer()
            self.begun += 1

    async def _tell(self) -> None:
        began, turn = time.monotonic(), 0
        due_new = due_told = 0.0
        while True:
            turn += 1
            await asyncio.sleep(max(0.0, began + turn * EVERY - time.monotonic()))
            partner = self._partners[turn % len(self._partners)]
            due_new += self._rates.without_meeting * EVERY
            due_told += self._rates.histories * EVERY
            # A broker that is away delays publishing, but not the events themselves: within bounds.
            if len(self._saying) < 200:
                self._hand_over(partner, int(due_new), int(due_told))
            due_new, due_told = due_new % 1, due_told % 1

    def _hand_over(self, partner: Partner, without_meeting: int, histories: int) -> None:
        now = self._clock()
        sayings = []
        for _ in range(without_meeting):
            referral, created = partner.referral(now)
            sayings.append(created)
            self.asked[referral] = time.time()
        for _ in range(histories):
            sayings += partner.history(now)
        while len(self._meetings.new) > 100:  # the outcome of a meeting takes a while
            locality, referral, meeting = self._meetings.new.popleft()
            if self._chance.random() < 0.5:
                whose = next(p for p in self._partners if p.locality == locality)
                sayings += whose.outcomes(referral, meeting, now)
        self.begun += without_meeting + histories
        task = asyncio.create_task(self._bus.say(sayings))
        self._saying.add(task)
        task.add_done_callback(self._saying.discard)

    async def goes_on(self, since: float, within: float) -> None:
        """Waits until a person referred after this moment has a meeting. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while True:
                newest = takewhile(lambda item: item[1] > since, reversed(self.asked.items()))
                if any(referral in self._meetings.of for referral, _ in newest):
                    return
                await asyncio.sleep(0.05)

    async def stop(self, within: float = 60.0) -> None:
        """Starts nothing more, and waits until everything begun is published and answered.

        Raises:
            TimeoutError: it takes too long.
        """
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        async with asyncio.timeout(within):
            while self._saying:
                await asyncio.wait(list(self._saying))
        await self._practices.settled(within)
