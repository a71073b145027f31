"""The secret address of a link worker's calendar feed: made, changed, switched off, and read."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from services.matching.authorization import link_worker_for
from services.matching.booking.agenda_queries import AgendaQueries
from services.matching.booking.calendar_feed import calendar_of
from services.matching.booking.diary import HORIZON
from services.matching.calendar import london_day
from services.matching.collections import CALENDARS, LINK_WORKERS
from services.matching.errors import Refused
from services.matching.roster.repository import worker_of
from services.matching.web.refusals import problem_of
from shared.delivery.mongo.database import Mongo, Transaction
from shared.platform.clock import Clock
from shared.platform.web.audit import Change
from shared.platform.web.principal import Principal

_BEFORE: Final = timedelta(days=28)
_LONGEST: Final = 100


def new_secret() -> str:
    """A secret of 256 bits, in letters and digits that no calendar program changes."""
    return secrets.token_hex(32)


@dataclass(frozen=True, slots=True)
class CalendarState:
    """Whether the feed is on, and since when its address holds. `address`: just after it was made."""

    is_on: bool
    since: datetime | None = None
    address: str | None = None


@dataclass
class CalendarUseCases:
    """The calendar feed of the caller's own diary.

    The secret is stored as a digest, so that a copy of the database opens no feed. The address is told once.
    """

    mongo: Mongo
    agenda: AgendaQueries
    public_url: str
    clock: Clock
    new_secret: Callable[[], str] = new_secret

    async def state(self, caller: Principal) -> CalendarState:
        """Whether the caller's feed is on. 404 for a caller who is no link worker."""
        worker = await link_worker_for(self.mongo, caller, caller.link_worker or "")
        row = await self.mongo[CALENDARS].find_one({"_id": worker.id})
        return CalendarState(row is not None, row["since"] if row else None)

    async def renew(self, caller: Principal) -> CalendarState:
        """Makes a new address. The one before ends at once."""
        worker = await link_worker_for(self.mongo, caller, caller.link_worker or "")
        secret, now = self.new_secret(), self.clock()
        row = {"locality": worker.locality, "secret": _digest(secret), "since": now}

        async def work(tx: Transaction) -> None:
            await tx[CALENDARS].replace_one({"_id": worker.id}, row, upsert=True, session=tx.session)

        change = Change(caller, "renew_calendar", locality=worker.locality)
        await self.agenda.kernel.transact(work, change=change)
        return CalendarState(True, now, f"{self.public_url}/matching/calendar/{secret}.ics")

    async def switch_off(self, caller: Principal) -> CalendarState:
        """Ends the address. A repeat changes nothing."""
        worker = await link_worker_for(self.mongo, caller, caller.link_worker or "")

        async def work(tx: Transaction) -> bool:
            done = await tx[CALENDARS].delete_one({"_id": worker.id}, session=tx.session)
            return bool(done.deleted_count)

        change = Change(caller, "switch_off_calendar", locality=worker.locality)
        await self.agenda.kernel.transact(work, change=change)
        return CalendarState(False)

    async def read(self, secret: str) -> bytes:
        """The feed at a secret address: four weeks back, and as far ahead as meetings are booked.

        Raises:
            Problem: 404 `unknown_calendar` for an address that does not hold, and for one who has left.
        """
        row = None
        if len(secret) <= _LONGEST:
            row = await self.mongo[CALENDARS].find_one({"secret": _digest(secret)})
        entry = await self.mongo[LINK_WORKERS].find_one({"_id": row["_id"], "active": True}) if row else None
        if entry is None:
            raise problem_of(Refused("unknown_calendar"))
        today = london_day(self.clock())
        days = await self.agenda.own_days(worker_of(entry), today - _BEFORE, today + HORIZON)
        return calendar_of(days, self.clock())


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
