"""HTTP client of booking where it has another owner: by the published operations, with words for refusals."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from services.matching.errors import Refused
from shared.contract.api import Operation
from shared.contract.api.booking import (
    ANOTHER_TIME,
    BOOK,
    CANCELLED,
    CONFIRMED,
    LATER,
    OPTIONS,
    OPTIONS_OF_REFERRAL,
    PLACE,
    MeetingPlace,
    ReferralMeeting,
    TimeOffered,
    TimesOffered,
)
from shared.contract.api.problems import PROBLEMS
from shared.platform.web.owners import Owners, not_owner
from shared.platform.web.problem import Problem
from shared.platform.web.service_client import ServiceClient, ServiceUnavailable, code_of

A = TypeVar("A", bound=BaseModel)

# Codes of refusals for which this service has a sentence of its own.
_IN_WORDS: Final = frozenset(
    {
        "case_ended",
        "case_erased",
        "meeting_not_standing",
        "meeting_over",
        "already_booked",
        "already_met",
        "slot_taken",
        "no_other_time",
        "next_step_needed",
        "not_yours_to_say",
        "later_date",
    }
)
# An owner that does not know an operation answers so without a problem of the contract.
_NOT_THERE: Final = frozenset({404, 405, 501})


class BookingClient:
    """Asks the owner of booking. A command names its user, and an idempotency key is passed on."""

    def __init__(self, owners: Owners, client: ServiceClient) -> None:
        self._owners = owners
        self._client = client

    async def options(self, locality: str, meeting_id: str, count: int) -> list[TimeOffered]:
        """Other times for a meeting, earliest first.

        Raises:
            Problem: the owner refuses, or does not answer: 503 `booking_away`.
        """
        query: dict[str, str | int] = {"locality": locality, "count": count}
        path = {"meeting_id": meeting_id}
        return (await self._ask(OPTIONS, TimesOffered, locality, path, query=query)).options

    async def options_of_referral(self, locality: str, referral_id: str, count: int) -> list[TimeOffered]:
        """Times for a referral without a meeting. Raises as `options`."""
        query: dict[str, str | int] = {"locality": locality, "count": count}
        path = {"referral_id": referral_id}
        return (await self._ask(OPTIONS_OF_REFERRAL, TimesOffered, locality, path, query=query)).options

    async def place(self, locality: str, meeting_id: str) -> str | None:
        """The place of a meeting in words, or None if the owner does not answer."""
        query, path = {"locality": locality}, {"meeting_id": meeting_id}
        try:
            return (await self._ask(PLACE, MeetingPlace, locality, path, query=query)).place
        except Problem:
            return None

    async def another_time(
        self, locality: str, meeting_id: str, slot: str | None, user: str, key: str | None
    ) -> ReferralMeeting:
        """Moves a meeting. Raises as `options`."""
        body = {"slot": slot} if slot else {}
        return await self._command(ANOTHER_TIME, locality, {"meeting_id": meeting_id}, user, key, body)

    async def confirmed(self, locality: str, meeting_id: str, user: str, key: str | None) -> ReferralMeeting:
        """Confirms a provisional meeting. Raises as `options`."""
        return await self._command(CONFIRMED, locality, {"meeting_id": meeting_id}, user, key, {})

    async def cancelled(
        self, locality: str, meeting_id: str, body: Mapping[str, str], user: str, key: str | None
    ) -> ReferralMeeting:
        """Cancels a meeting: `by` and `why`. Raises as `options`."""
        return await self._command(CANCELLED, locality, {"meeting_id": meeting_id}, user, key, body)

    async def later(
        self, locality: str, referral_id: str, on: str, user: str, key: str | None
    ) -> ReferralMeeting:
        """Defers the meeting to a day. Raises as `options`."""
        return await self._command(LATER, locality, {"referral_id": referral_id}, user, key, {"on": on})

    async def book(
        self, locality: str, referral_id: str, slot: str | None, user: str, key: str | None
    ) -> ReferralMeeting:
        """Books a meeting where none stands. Raises as `options`."""
        body = {"slot": slot} if slot else {}
        return await self._command(BOOK, locality, {"referral_id": referral_id}, user, key, body)

    async def _command(
        self,
        operation: Operation,
        locality: str,
        path: Mapping[str, str],
        user: str,
        key: str | None,
        body: Mapping[str, str],
    ) -> ReferralMeeting:
        sent = {"locality": locality, "on_behalf_of": user, **body}
        return await self._ask(operation, ReferralMeeting, locality, path, body=sent, key=key)

    async def _ask(
        self,
        operation: Operation,
        model: type[A],
        locality: str,
        path: Mapping[str, str],
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> A:
        owner = self._owners.elsewhere("booking", locality)
        name = owner.name if owner else "The owner"
        try:
            address = self._owners.address("booking", locality)
            answer = await self._client.call(operation, address, body, path=path, query=query, key=key)
            if answer.is_success:
                return model.model_validate_json(answer.content)
        except (ServiceUnavailable, ValidationError):
            raise _away(name, operation) from None
        raise self._refusal(operation, answer, locality, name)

    def _refusal(self, operation: Operation, answer: httpx.Response, locality: str, name: str) -> Problem:
        """The owner's refusal in our words. Its own words may hold anything, so they are not shown."""
        code = code_of(answer)
        if code in _IN_WORDS:
            refused = Refused(code)
            return Problem(refused.status, code=code, detail=refused.sentence)
        if code in ("unknown_case", "unknown_meeting"):
            detail = (
                f"{name}, which books appointments here, does not know this one yet. Try again in a minute."
            )
            return Problem(409, code=code, detail=detail)
        if code == "idempotency_key":
            return Problem(422, code=code, detail="This key was used for another request.")
        if code == "not_owner":
            return changing_hands()
        owner = self._owners.elsewhere("booking", locality)
        if code not in PROBLEMS and answer.status_code in _NOT_THERE and owner is not None:
            return not_owner("booking", owner)
        return _away(name, operation)


def changing_hands() -> Problem:
    """The answer while booking is handed over: neither owner decides."""
    detail = (
        "Another booking system takes over here just now. Appointments stand as they are. "
        "Try again in a minute."
    )
    return Problem(503, code="booking_away", detail=detail, headers={"retry-after": "60"})


def _away(name: str, operation: Operation) -> Problem:
    """The answer while the owner gives none that can be used."""
    if operation.method == "GET":
        detail = f"{name}, which books appointments here, does not answer just now. Try again in a minute."
    else:
        # A command whose answer was lost may have been done.
        detail = (
            f"{name}, which books appointments here, did not answer in time. It may have been done all the "
            "same: look at the case again in a minute."
        )
    return Problem(503, code="booking_away", detail=detail, headers={"retry-after": "60"})
