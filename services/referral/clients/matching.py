"""HTTP client of matching: link workers, plans, and other times for an appointment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, cast

import httpx
from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict

from shared.contract.events import vocabulary as v
from shared.contract.labels import where
from shared.platform.clock import LONDON, Clock
from shared.platform.web.problem import Problem
from shared.platform.web.service_client import ServiceClient, ServiceUnavailable, content_of
from shared.platform.web.service_token import ServiceTokens

_TIMEOUT = httpx.Timeout(3.0)
# A page can do without the details of a plan, so it waits less for them.
_PLAN_SECONDS = 1.5
_READS_PLANS = "plans:read"
_CACHE_TIME = timedelta(minutes=5)
_MAX_CACHED = 1000
_MAX_ASKED = 200


@dataclass(frozen=True, slots=True)
class Room:
    """The place where a link worker meets people of these practices on a weekday (0 is Monday)."""

    weekday: int
    practices: frozenset[str]
    place: str


@dataclass(frozen=True, slots=True)
class LinkWorker:
    """A link worker: name, telephone and rooms."""

    name: str
    telephone: str | None
    rooms: tuple[Room, ...]

    def place(self, practice: str, starts_at: datetime) -> str | None:
        """The place where they meet people of a practice on that day, or None."""
        weekday = starts_at.astimezone(LONDON).weekday()
        fitting = (r.place for r in self.rooms if r.weekday == weekday and practice in r.practices)
        return next(fitting, None)


@dataclass(frozen=True, slots=True)
class Slot:
    """Another time and place for a meeting. `key` is matching's name for it."""

    key: str
    starts_at: datetime
    where: str


class GoalSummary(BaseModel):
    """A goal from matching. `words` is the id of a note in our vault."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    need: v.Need
    words: str | None = None
    actions: tuple[v.ActionCode, ...] = ()


class ServiceSummary(BaseModel):
    """A service of a plan, from matching."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    name: str
    need: v.Need
    status: str
    since: date


class PlanSummary(BaseModel):
    """The part of a plan that a practice may see, from matching."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    goals: tuple[GoalSummary, ...] = ()
    services: tuple[ServiceSummary, ...] = ()


class Matching:
    """The matching service over HTTP. Nothing is lost if it does not answer."""

    def __init__(self, base_url: str, tokens: ServiceTokens, clock: Clock) -> None:
        self._http = httpx.AsyncClient(base_url=f"{base_url}/api/matching/v1", timeout=_TIMEOUT)
        self._tokens = tokens
        self._contacts = ServiceClient(self._http, tokens, _TIMEOUT)
        self._plans = ServiceClient(self._http, tokens, _PLAN_SECONDS, token_timeout=_PLAN_SECONDS)
        self._clock = clock
        self._link_workers: dict[str, tuple[LinkWorker, datetime]] = {}

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def link_worker(self, link_worker: str) -> LinkWorker | None:
        """A link worker, cached for five minutes, or None if matching does not answer."""
        known = self._link_workers.get(link_worker)
        if known is not None and self._clock() < known[1]:
            return known[0]
        try:
            given = await self._contacts.request("GET", f"/link-workers/{link_worker}", "contacts:read")
            found = _link_worker(content_of(given))
        except (ServiceUnavailable, ValueError, KeyError, TypeError):
            return None  # The page then says "your link worker".
        if len(self._link_workers) >= _MAX_CACHED:
            self._link_workers.clear()
        self._link_workers[link_worker] = (found, self._clock() + _CACHE_TIME)
        return found

    async def link_workers_of(self, locality: str, referrals: Sequence[str]) -> Mapping[str, str]:
        """The link worker of each of these referrals, by referral. Nothing is cached.

        Raises:
            ServiceUnavailable: matching does not answer.
        """
        found: dict[str, str] = {}
        for start in range(0, len(referrals), _MAX_ASKED):
            body = {"locality": locality, "referrals": list(referrals[start : start + _MAX_ASKED])}
            given = await self._contacts.request("POST", "/case-link-workers", "contacts:read", body)
            answered = content_of(given).get("link_workers")
            if not isinstance(answered, dict):
                raise ServiceUnavailable
            found |= {str(referral): str(worker) for referral, worker in answered.items()}
        return found

    async def plans(
        self, locality: str, referrals: Sequence[str], on_behalf_of: str
    ) -> dict[str, PlanSummary] | None:
        """The plans that a practice may see, by referral, or None if matching does not answer.

        Matching leaves out plans that the practice may not see. Nothing is cached.
        """
        body = {"locality": locality, "referrals": list(referrals), "on_behalf_of": on_behalf_of}
        try:
            given = await self._plans.request("POST", "/plan-summaries", _READS_PLANS, body)
            told = content_of(given)["plans"]
            return {str(name): PlanSummary.model_validate(plan) for name, plan in told.items()}
        except (ServiceUnavailable, ValueError):
            return None
        except (KeyError, TypeError, AttributeError):
            return None  # Another version of matching, perhaps during an upgrade.

    async def options(self, meeting_id: str, token: str) -> list[Slot]:
        """Other times for a meeting, earliest first. `token` is the reader's own access token.

        Raises a 503 Problem if matching does not answer.
        """
        answer = await self._request("GET", f"/meetings/{meeting_id}/options", token)
        return [
            Slot(
                str(each["key"]),
                datetime.fromisoformat(each["starts_at"]),
                where(each["mode"], str(each["place"])),
            )
            for each in answer["options"]
        ]

    async def reschedule(self, meeting_id: str, slot: str, token: str, key: str) -> bool:
        """Moves a meeting on the reader's behalf. False if the time is taken by now."""
        answer = await self._request(
            "POST", f"/meetings/{meeting_id}/another-time", token, body={"slot": slot}, key=key
        )
        return answer.get("status") != 409

    async def _request(
        self,
        method: str,
        path: str,
        token: str,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Mapping[str, Any]:
        headers = {"authorization": f"Bearer {token}"}
        if key is not None:
            headers["idempotency-key"] = key
        try:
            answer = await self._http.request(method, path, json=body, headers=headers)
            answered: Mapping[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError):
            raise _unavailable() from None
        if answer.status_code == 409:
            return {"status": 409}
        if answer.status_code in (403, 404, 410, 422):
            raise Problem(404, code="no_such_meeting")
        if answer.is_error:
            raise _unavailable()
        return answered


def _link_worker(answered: Mapping[str, Any]) -> LinkWorker:
    rooms = tuple(
        Room(int(each["weekday"]), frozenset(each["practices"]), str(each["place"]))
        for each in answered["entry"]["hours"]
    )
    return LinkWorker(str(answered["name"]), answered.get("telephone"), rooms)


def _unavailable() -> Problem:
    detail = "The diaries do not answer just now. The appointment stands as it is. Try again in a minute."
    return Problem(503, code="diaries_away", detail=detail)


def matching_of(request: Request) -> Matching:
    """The client of the application that serves this request."""
    return cast("Matching", request.app.state.matching)


MatchingClient = Annotated[Matching, Depends(matching_of)]
