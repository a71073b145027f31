"""HTTP API: how the messages of a referral went, and what failed. Codes and times only."""

import base64
import binascii
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from services.notifications.ledger.queries import Questions, Shown, Status
from services.notifications.messages.message import Recipient, Template
from services.notifications.messages.wording import Channel
from shared.contract.events.models import Ref
from shared.platform.web.auth import Principal, require
from shared.platform.web.problem import Problem

PREFIX = "/api/notifications/v1"
READS_MESSAGES = "messages:read"


class MessageOut(BaseModel):
    """One message. `about`: a meeting, a prescription or the day promised; `code`: why it was not sent."""

    template: Template
    recipient: Recipient
    about: str
    status: Status
    at: datetime
    channel: Channel | None = None
    code: str | None = None

    @classmethod
    def of(cls, shown: Shown) -> "MessageOut":
        template, recipient, about = shown.name
        return cls(
            template=template,
            recipient=recipient,
            about=about,
            status=shown.status,
            at=shown.at,
            channel=shown.channel,
            code=shown.code,
        )


class MessagesOut(BaseModel):
    """The messages of one referral, the earliest first."""

    messages: list[MessageOut]


class FailureOut(MessageOut):
    """A message that was given up, and whose it was."""

    locality: str
    referral: str


class FailuresOut(BaseModel):
    """The latest first; `next` is the cursor for more, absent at the end."""

    failures: list[FailureOut]
    next: str | None = None


def routes(questions: Questions) -> APIRouter:
    """The routes under /api/notifications/v1."""
    router = APIRouter(prefix=PREFIX, tags=["notifications"])

    @router.get("/referrals/{referral_id}/messages")
    async def messages(
        referral_id: Ref,
        caller: Annotated[
            Principal, Depends(require("link_worker", "programme_admin", "service", scope=READS_MESSAGES))
        ],
    ) -> MessagesOut:
        whose = await questions.whose(referral_id, within(questions, caller))
        # Somebody else's caseload looks like no referral at all.
        if whose is None or (caller.role == "link_worker" and whose.link_worker != caller.link_worker):
            raise Problem(404)
        found = await questions.messages(whose.locality, referral_id)
        return MessagesOut(messages=[MessageOut.of(message) for message in found])

    @router.get("/failures", response_model_exclude_none=True)
    async def failures(
        caller: Annotated[Principal, Depends(require("programme_admin"))],
        locality: Annotated[str | None, Query(max_length=50)] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=400)] = None,
    ) -> FailuresOut:
        places = within(questions, caller)
        if locality is not None:
            if locality not in places:
                raise Problem(404)
            places = [locality]
        found = await questions.failures(places, limit + 1, _opened(cursor) if cursor else None)
        page = found[:limit]
        more = _closed(page[-1]) if len(found) > limit else None
        return FailuresOut(failures=[_failure(message) for message in page], next=more)

    return router


def within(questions: Questions, caller: Principal) -> list[str]:
    """The localities of this process that are the caller's."""
    return [locality for locality in questions.served if caller.may_locality(locality)]


def _failure(shown: Shown) -> FailureOut:
    return FailureOut(**MessageOut.of(shown).model_dump(), locality=shown.locality, referral=shown.referral)


def _closed(last: Shown) -> str:
    return base64.urlsafe_b64encode(f"{last.at.isoformat()} {last.key}".encode()).decode()


def _opened(cursor: str) -> tuple[datetime, str]:
    try:
        at, _, key = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        moment = datetime.fromisoformat(at)
    except (ValueError, binascii.Error):
        raise Problem(400, code="cursor", detail="Use the cursor as it was given.") from None
    if moment.tzinfo is None:
        raise Problem(400, code="cursor", detail="Use the cursor as it was given.")
    return moment, key
