"""Search of the directory, its entries and its feeds."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.matching.directory.availability import Availability
from services.matching.directory.feed.model import Service
from services.matching.directory.feed.sessions import next_sessions
from services.matching.directory.offered import Feed
from services.matching.directory.ownership import DirectoryOwnership
from services.matching.directory.ranking import Position, distance, next_session_of
from services.matching.directory.repository import Directory
from services.matching.directory.views import FoundService
from shared.contract.events import vocabulary as v
from shared.platform.clock import LONDON, Clock
from shared.platform.localities import postcodes
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError


@dataclass
class DirectoryQueries:
    """Queries of the directory. `usable_mailboxes`: ids of services that may be asked by mail."""

    directory: Directory
    usable_mailboxes: Callable[[Sequence[Service]], Awaitable[Collection[str]]]
    clock: Clock
    ownership: DirectoryOwnership

    async def find_services(
        self,
        caller: Principal,
        need: v.Need | None = None,
        postcode: str | None = None,
        weekday: int | None = None,
        age: int | None = None,
        free_only: bool = False,
        limit: int = 100,
        at: Position | None = None,
    ) -> list[FoundService]:
        """Searches the directory: the nearest first if a full postcode is given, else by name.

        `weekday`: 0 is Monday. `at`: coordinates instead of a postcode. Data missing in the feed does not
        exclude a service. Localities whose directory has another owner are left out.

        Raises:
            Problem: 422 `postcode_unknown` for a postcode that does not exist; 409 `not_owner` if every
                directory of the caller's has another owner.
        """
        now = self.clock()
        at = _position(postcode) if postcode else at
        suiting = [
            service
            for service in await self.directory.for_need(need, localities=self._seen_by(caller))
            if service.offered
            and (age is None or service.takes_age(age))
            and (not free_only or service.free is not False)
            and (weekday is None or held_on(service, weekday, now))
        ]
        places = await self.directory.availability(suiting)
        found = [
            FoundService(service, distance(service, at), next_session_of(service, now), places[service.id])
            for service in suiting
        ]
        found.sort(
            key=lambda one: (one.distance_km is None, one.distance_km or 0.0, one.service.name.casefold())
        )
        return found[: max(1, min(limit, 500))]

    async def seen_service(self, caller: Principal, service_id: str) -> Service | None:
        """An entry of a feed that is offered in the caller's localities; None for others. Raises likewise."""
        seen_in = self._seen_by(caller)
        if seen_in is not None and not await self.directory.offered(service_id, seen_in):
            return None
        return (await self.directory.services([service_id])).get(service_id)

    async def mailable(self, service: Service) -> bool:
        """True if the service's mailbox is confirmed, so that it may be asked by mail."""
        return service.id in await self.usable_mailboxes([service])

    async def feeds(self, caller: Principal) -> list[Feed]:
        """Every feed of the directory, for the programme."""
        if caller.role != "programme_admin":
            raise Problem(403, code="role", detail="Your role does not include this.")
        return await self.directory.feeds.all()

    async def availability(self, services: Iterable[Service]) -> dict[str, Availability]:
        """The availability of these services now, by id."""
        return await self.directory.availability(services)

    def _seen_by(self, caller: Principal) -> frozenset[str] | None:
        """The localities whose feeds a caller sees. None means all, for services of the programme."""
        self.ownership.require_any(caller)
        if caller.may_locality("*") and self.ownership.all_ours():
            return None
        return self.ownership.ours(caller)


def held_on(service: Service, weekday: int, now: datetime) -> bool:
    """True if a session within a month falls on that day of the week, or if the times are not known."""
    if not service.schedules or any(schedule.rule is None for schedule in service.schedules):
        return True
    coming = next_sessions(service.schedules, now, 40)
    return any(session.starts_at.astimezone(LONDON).weekday() == weekday for session in coming)


def _position(postcode: str) -> Position | None:
    if not postcodes.exists(postcode):
        wrong = FieldError("/postcode", "postcode_unknown", "There is no such postcode.")
        raise Problem(422, code="postcode_unknown", detail=wrong.detail, errors=[wrong])
    place = postcodes.lookup(postcode)
    return place.position if place else None
