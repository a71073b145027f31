"""HTTP client of casework and booking: link workers, places, plans, and other times for an appointment."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, TypeVar, cast

import httpx
from fastapi import Depends, Request
from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.contract.api import Operation
from shared.contract.api.booking import (
    ANOTHER_TIME,
    OPTIONS,
    PLACE,
    MeetingPlace,
    ReferralMeeting,
    TimesOffered,
)
from shared.contract.api.casework import (
    CASE_LINK_WORKERS,
    LINK_WORKER,
    PLAN_SUMMARIES,
    CaseLinkWorkers,
    LinkWorkerAnswer,
    PlanSummary,
)
from shared.contract.labels import where
from shared.platform.clock import Clock
from shared.platform.outbound.certificates import trusted_by_clients
from shared.platform.web.offered import OfferedOperations
from shared.platform.web.owners import Owners
from shared.platform.web.problem import Problem
from shared.platform.web.service_client import ServiceClient, ServiceUnavailable, code_of, content_of
from shared.platform.web.service_token import ServiceTokens

# A page can do without the details of a plan, so it waits less for them.
_PLAN_SECONDS: Final = 1.5
_CACHE_TIME: Final = timedelta(minutes=5)
_MAX_CACHED: Final = 1000
_MAX_ASKED: Final = 200
_PLANS: Final = TypeAdapter(dict[str, PlanSummary])

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class LinkWorker:
    """A link worker: name and telephone."""

    name: str
    telephone: str | None


@dataclass(frozen=True, slots=True)
class Slot:
    """Another time and place for a meeting. `key` is booking's name for it."""

    key: str
    starts_at: datetime
    where: str


class Matching:
    """Casework and booking over HTTP, at their owners. Nothing is lost if they do not answer."""

    def __init__(self, owners: Owners, tokens: ServiceTokens, clock: Clock) -> None:
        self._owners = owners
        self._http = httpx.AsyncClient(verify=trusted_by_clients())
        self._offered = OfferedOperations(self._http, owners, clock)
        self._tokens = tokens
        self._client = ServiceClient(self._http, tokens)
        self._plans = ServiceClient(self._http, tokens, _PLAN_SECONDS)
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[BaseModel, datetime]] = {}

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def may_move(self, locality: str) -> bool:
        """True if booking's owner lets its meetings be moved from here, and is not about to be another."""
        if self.changing_hands(locality):
            return False
        return await self._offered.offers(OPTIONS, locality) and await self._offered.offers(
            ANOTHER_TIME, locality
        )

    def changing_hands(self, locality: str) -> bool:
        """True while booking is handed over, so that no meeting can be changed for about a minute."""
        return self._owners.handed_to("booking", locality) is not None

    async def link_worker(self, locality: str, link_worker: str) -> LinkWorker | None:
        """A link worker, cached for five minutes, or None if casework does not answer."""
        found = await self._cached(
            LINK_WORKER, LinkWorkerAnswer, locality, {"link_worker": link_worker}, link_worker
        )
        # The page then says "your link worker".
        return LinkWorker(found.name, found.telephone) if found else None

    async def place(self, locality: str, meeting_id: str) -> str | None:
        """The place of a meeting in words, cached for five minutes, or None if booking does not answer."""
        found = await self._cached(PLACE, MeetingPlace, locality, {"meeting_id": meeting_id}, meeting_id)
        return found.place if found else None

    async def link_worker_and_place(
        self, locality: str, link_worker: str, meeting_id: str
    ) -> tuple[LinkWorker | None, str | None]:
        """Both at once, so that a page waits for one answer."""
        return await asyncio.gather(self.link_worker(locality, link_worker), self.place(locality, meeting_id))

    async def link_workers_of(self, locality: str, referrals: Sequence[str]) -> CaseLinkWorkers:
        """The link worker of each of these referrals, and who covers it now. Nothing is cached.

        Raises:
            ServiceUnavailable: casework does not answer.
        """
        link_workers: dict[str, str] = {}
        covering: dict[str, list[str]] = {}
        for start in range(0, len(referrals), _MAX_ASKED):
            body = {"locality": locality, "referrals": list(referrals[start : start + _MAX_ASKED])}
            owner = self._owners.address("casework", locality)
            given = await self._client.call(CASE_LINK_WORKERS, owner, body)
            try:
                answered = CaseLinkWorkers.model_validate(content_of(given))
            except ValidationError:
                raise ServiceUnavailable from None
            link_workers |= answered.link_workers
            covering |= answered.covering
        return CaseLinkWorkers(link_workers=link_workers, covering=covering)

    async def plans(
        self, locality: str, referrals: Sequence[str], on_behalf_of: str
    ) -> dict[str, PlanSummary] | None:
        """The plans that a practice may see, by referral, or None if casework does not answer.

        Casework leaves out plans that the practice may not see. Nothing is cached.
        """
        body = {"locality": locality, "referrals": list(referrals), "on_behalf_of": on_behalf_of}
        try:
            owner = self._owners.address("casework", locality)
            given = await self._plans.call(PLAN_SUMMARIES, owner, body)
            return _PLANS.validate_python(content_of(given)["plans"])
        except (ServiceUnavailable, ValidationError, KeyError):
            return None  # Perhaps another version, during an upgrade.

    async def options(self, locality: str, meeting_id: str) -> list[Slot]:
        """Other times for a meeting, earliest first. Raises a 503 Problem if booking does not answer."""
        answer = await self._ask(OPTIONS, locality, {"meeting_id": meeting_id}, query={"locality": locality})
        try:
            offered = TimesOffered.model_validate(answer).options
        except ValidationError:
            raise _unavailable() from None
        return [Slot(each.key, each.starts_at, where(each.mode, each.place)) for each in offered]

    async def reschedule(
        self, locality: str, meeting_id: str, slot: str, on_behalf_of: str, key: str
    ) -> ReferralMeeting | None:
        """Moves a meeting on a reader's behalf. None if the time is taken by now."""
        body = {"locality": locality, "slot": slot, "on_behalf_of": on_behalf_of}
        answer = await self._ask(ANOTHER_TIME, locality, {"meeting_id": meeting_id}, body, key=key)
        try:
            return None if answer is None else ReferralMeeting.model_validate(answer)
        except ValidationError:
            raise _unavailable() from None

    async def _ask(
        self,
        operation: Operation,
        locality: str,
        path: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Mapping[str, Any] | None:
        """Booking's answer; None if things have changed since the reader's page was made."""
        try:
            owner = self._owners.address(operation.owner, locality)
            answer = await self._client.call(operation, owner, body, path=path, query=query, key=key)
            if answer.status_code == httpx.codes.CONFLICT and code_of(answer) != "not_owner":
                return None
            if answer.status_code in (404, 410, 422):
                raise Problem(404, code="no_such_meeting")
            return content_of(answer)
        except ServiceUnavailable:
            raise _unavailable() from None

    async def _cached(
        self, operation: Operation, model: type[M], locality: str, path: Mapping[str, str], about: str
    ) -> M | None:
        """An answer, kept for five minutes, or None if there is none."""
        known = self._known.get((operation.name, about))
        if known is not None and self._clock() < known[1]:
            return cast("M", known[0])
        try:
            query = {"locality": locality}
            owner = self._owners.address(operation.owner, locality)
            given = await self._client.call(operation, owner, path=path, query=query)
            found = model.model_validate(content_of(given))
        except (ServiceUnavailable, ValidationError):
            return None
        if len(self._known) >= _MAX_CACHED:
            self._known.clear()
        self._known[operation.name, about] = (found, self._clock() + _CACHE_TIME)
        return found


def _unavailable() -> Problem:
    detail = "The diaries do not answer just now. The appointment stands as it is. Try again in a minute."
    return Problem(503, code="diaries_away", detail=detail)


def matching_of(request: Request) -> Matching:
    """The client of the application that serves this request."""
    return cast("Matching", request.app.state.matching)


MatchingClient = Annotated[Matching, Depends(matching_of)]
