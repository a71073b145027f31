"""What is shown of the directory, to link workers and to services themselves."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache

from services.matching.authorization import find_case, link_workers
from services.matching.calendar import day_start, london_day
from services.matching.clients.vault import NotInVault, Vault, VaultAway
from services.matching.command_runner import LINK_WORKER, Asking
from services.matching.directory.availability import Availability
from services.matching.directory.feed.model import Service
from services.matching.directory.feed.sessions import next_sessions
from services.matching.directory.offered import Feed
from services.matching.directory.ranking import (
    Person,
    Position,
    RankedService,
    distance,
    next_session_of,
    rank,
)
from services.matching.directory.repository import Directory
from services.matching.provider.link_states import LinkStates
from services.matching.provider.links import LinkAltered, LinkExpired, Links
from services.matching.provider.mailboxes import Mailboxes
from services.matching.provider.one_time_codes import Codes
from services.matching.provider.use_cases import find_linked, linked_prescription, may_reveal, read_link
from services.matching.referral_state.views import FoundService, ServiceAsk, Sessions
from shared.contract.events import vocabulary as v
from shared.delivery.mongo.database import Row
from shared.platform.clock import LONDON
from shared.platform.localities import postcodes
from shared.platform.web.caller import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError


class ServiceQueries:
    """What is shown of services."""

    asking: Asking
    vault: Vault
    directory: Directory
    mailboxes: Mailboxes
    links: Links
    link_states: LinkStates
    codes: Codes

    async def ranked_services(
        self, caller: Principal, referral_id: str, need: v.Need, limit: int = 10
    ) -> list[RankedService]:
        """Services for this need, best first, each with why; near misses at the end, each with why not.

        The full postcode is asked of the vault now and forgotten; where the vault does not answer, distances
        are from the middle of the outward code.
        """
        row = await find_case(self.asking.kernel.mongo, caller, {"referral": referral_id}, LINK_WORKER)
        created = row["view"]["created"]
        at, sensitive = await self._from_the_vault(caller, row, need)
        person = Person(
            need=need,
            age_band=v.AgeBand(created["age_band"]),
            at=at or middle_of(created.get("outward_code")),
            step_free=v.AccessNeed.STEP_FREE.value in created["access_needs"],
            language=created["language"],
            sensitive=sensitive,
        )
        services = await self.directory.for_need(need, sorted(sensitive), [row["locality"]])
        told = await self.directory.told([service.id for service in services])
        mailable = await self.mailboxes.usable(services)
        return rank(services, person, self.asking.kernel.clock(), told, limit, mailable)

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
        """Search of the directory: the nearest first where a full postcode is given, else by name.

        `weekday`: 0 is Monday; `at`: instead of a postcode. What the feed does not say does not exclude a
        service. 422, code `postcode_unknown`, for a postcode that does not exist.
        """
        now = self.asking.kernel.clock()
        at = _position(postcode) if postcode else at
        suiting = [
            service
            for service in await self.directory.for_need(need, localities=_seen_by(caller))
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
        """A directory entry of a feed that is offered where the caller is; None for others'."""
        seen_in = _seen_by(caller)
        if seen_in is not None and not await self.directory.offered(service_id, seen_in):
            return None
        return (await self.directory.services([service_id])).get(service_id)

    async def mailable(self, service: Service) -> bool:
        """Whether its mailbox is confirmed, so that it may be asked by mail."""
        return service.id in await self.mailboxes.usable([service])

    async def feeds(self, caller: Principal) -> list[Feed]:
        """Every feed of the directory, for the programme."""
        if caller.role != "programme_admin":
            raise Problem(403, code="role", detail="Your role does not include this.")
        return await self.directory.feeds.all()

    async def services(self, ids: Sequence[str]) -> dict[str, Service]:
        """Directory entries by id; an unknown one is left out."""
        return await self.directory.services(ids)

    async def availability(self, services: Iterable[Service]) -> dict[str, Availability]:
        """Whether these services take people now, by id."""
        return await self.directory.availability(services)

    async def ask(self, token: str) -> ServiceAsk:
        """What a service sees through its link. 404 `link_altered`, 410 `link_expired` or `link_ended`."""
        claims = await read_link(self.links, self.link_states, token)
        row = await find_linked(self.asking, claims)
        view = await self.asking.kernel.view(row["locality"], row["referral"])
        one = linked_prescription(view.story.prescriptions if view else (), claims)
        created = view.story.created if view else None
        if view is None or one is None or created is None:
            raise Problem(410, code="no_longer_asked", detail="This is no longer asked of you.")
        service = (await self.directory.services([claims.service_id])).get(claims.service_id)
        whose = view.story.link_worker or ""
        worker = (await link_workers(self.asking.kernel.mongo, [whose])).get(whose)
        shared = one.may_share is v.Agreed.YES
        return ServiceAsk(
            locality=row["locality"],
            referral_id=row["referral"],
            prescription_id=claims.prescription_id,
            service_id=claims.service_id,
            service=service.name if service else "",
            need=one.prescribed.need,
            age_band=created.age_band,
            area=created.outward_code,
            language=created.language,
            interpreter=created.interpreter,
            access_needs=created.access_needs if shared else (),
            answered=one.reply,
            weeks=one.weeks,
            not_suitable=one.not_suitable,
            started=one.started_on is not None,
            closed=not view.open,
            may_reveal=view.open and may_reveal(one),
            shared=shared,
            seen_at=await self.codes.shown_at(claims.locality, claims.prescription_id),
            link_worker=worker.name if worker else None,
            link_worker_telephone=worker.telephone if worker else None,
            expires_at=claims.expires_at,
            referred_on=london_day(created.agreement.at),
            places=(await self.directory.availability([service]))[service.id] if service else Availability(),
            sessions=_sessions(service, created.agreement.at, self.asking.kernel.clock()),
        )

    async def whom_to_ring(self, token: str) -> tuple[str, str] | None:
        """Name and number of a link's link worker, also where the link has ended or is too old."""
        try:
            claims = self.links.read(token)
        except LinkExpired as expired:
            claims = expired.claims
        except LinkAltered:
            return None
        try:
            row = await find_linked(self.asking, claims)
        except Problem:
            return None
        whose = row["view"]["link_worker"] or ""
        worker = (await link_workers(self.asking.kernel.mongo, [whose])).get(whose)
        return (worker.name, worker.telephone) if worker else None

    async def _from_the_vault(
        self, caller: Principal, row: Row, need: v.Need
    ) -> tuple[Position | None, frozenset[v.SensitiveNeed]]:
        fields = ["postcode", "sensitive_needs"] if need is v.Need.SENSITIVE else ["postcode"]
        try:
            people = await self.vault.people(
                row["locality"], [row["referral"]], fields, "directory", caller.subject
            )
        except (VaultAway, NotInVault):
            return None, frozenset()
        person = people.get(row["referral"], {})
        place = postcodes.lookup(str(person.get("postcode") or ""))
        told = person.get("sensitive_needs") or ()
        return place.position if place else None, frozenset(v.SensitiveNeed(each) for each in told)


def _seen_by(caller: Principal) -> frozenset[str] | None:
    """The localities whose feeds a caller sees; None: all, for services of the programme."""
    return None if caller.may_locality("*") else caller.localities


def _sessions(service: Service | None, since: datetime, now: datetime) -> Sessions:
    """A service's latest session since then, at most two weeks ago, and its next one."""
    if service is None:
        return Sessions()
    after = max(day_start(london_day(since)), now - timedelta(days=14))
    held = [each.starts_at for each in next_sessions(service.schedules, after, 60) if each.starts_at <= now]
    coming = next_sessions(service.schedules, now)
    return Sessions(held[-1] if held else None, coming[0].starts_at if coming else None)


def held_on(service: Service, weekday: int, now: datetime) -> bool:
    """Whether a session within a month falls on that day of the week; true where its times are not known."""
    if not service.schedules or any(schedule.rule is None for schedule in service.schedules):
        return True
    coming = next_sessions(service.schedules, now, 40)
    return any(session.starts_at.astimezone(LONDON).weekday() == weekday for session in coming)


@cache
def middle_of(outward: str | None) -> Position | None:
    """The middle of the postcodes that begin so; None for an area that we know nothing of."""
    there = [place for place in postcodes.places() if place.outward == outward] if outward else []
    if not there:
        return None
    return sum(p.lat for p in there) / len(there), sum(p.lon for p in there) / len(there)


def _position(postcode: str) -> Position | None:
    if not postcodes.exists(postcode):
        wrong = FieldError("/postcode", "postcode_unknown", "There is no such postcode.")
        raise Problem(422, code="postcode_unknown", detail=wrong.detail, errors=[wrong])
    place = postcodes.lookup(postcode)
    return place.position if place else None
