"""HTTP API of the ledger: messages of a referral, and failures. It returns codes and times only."""

import base64
import binascii
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from services.notifications.ledger.queries import MessageQueries, MessageRecord, Status
from services.notifications.messages.message import Recipient, Template
from services.notifications.messages.wording import Channel
from shared.contract.events.models import Ref
from shared.platform.clock import Clock
from shared.platform.web.auth import Principal, require
from shared.platform.web.problem import Problem

PREFIX = "/api/notifications/v1"
READS_MESSAGES = "messages:read"
FAILED_WITHIN = timedelta(weeks=4)


class MessageOut(BaseModel):
    """One message. `about`: a meeting, a prescription or the day promised; `code`: why it failed."""

    template: Template
    recipient: Recipient
    about: str
    status: Status
    at: datetime
    channel: Channel | None = None
    code: str | None = None

    @classmethod
    def of(cls, record: MessageRecord) -> "MessageOut":
        """The message as the API returns it."""
        template, recipient, about = record.name
        return cls(
            template=template,
            recipient=recipient,
            about=about,
            status=record.status,
            at=record.at,
            channel=record.channel,
            code=record.code,
        )


class MessagesOut(BaseModel):
    """The messages of one referral, the earliest first."""

    messages: list[MessageOut]


class FailureOut(MessageOut):
    """A message that was given up, with its locality and referral."""

    locality: str
    referral: str


class FailuresOut(BaseModel):
    """Failures, the latest first. `next` is the cursor for more, absent at the end."""

    failures: list[FailureOut]
    next: str | None = None


class FailedOut(BaseModel):
    """Referrals about which a message was given up."""

    referrals: list[str]


def message_queries(request: Request) -> MessageQueries:
    """The queries of this application."""
    queries: MessageQueries = request.app.state.queries
    return queries


Queries = Annotated[MessageQueries, Depends(message_queries)]

router = APIRouter(prefix=PREFIX, tags=["notifications"])


@router.get("/referrals/{referral_id}/messages")
async def messages(
    referral_id: Ref,
    queries: Queries,
    caller: Annotated[
        Principal, Depends(require("link_worker", "programme_admin", "service", scope=READS_MESSAGES))
    ],
) -> MessagesOut:
    """Lists the messages of a referral. Link workers see those of their own caseload only."""
    owner = await queries.owner(referral_id, localities_of(caller, queries))
    # A referral of another caseload looks like no referral at all.
    if owner is None or (caller.role == "link_worker" and owner.link_worker != caller.link_worker):
        raise Problem(404)
    found = await queries.messages(owner.locality, referral_id)
    return MessagesOut(messages=[MessageOut.of(message) for message in found])


@router.get("/failures", response_model_exclude_none=True)
async def failures(
    queries: Queries,
    caller: Annotated[Principal, Depends(require("programme_admin"))],
    locality: Annotated[str | None, Query(max_length=50)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> FailuresOut:
    """Lists the messages that were given up in the caller's localities, a page at a time."""
    localities = localities_of(caller, queries)
    if locality is not None:
        if locality not in localities:
            raise Problem(404)
        localities = [locality]
    found = await queries.failures(localities, limit + 1, _read_cursor(cursor) if cursor else None)
    page = found[:limit]
    more = _cursor_after(page[-1]) if len(found) > limit else None
    return FailuresOut(failures=[_failure(message) for message in page], next=more)


@router.get("/failures/referrals")
async def referrals_with_failures(
    request: Request,
    queries: Queries,
    caller: Annotated[Principal, Depends(require("service", scope=READS_MESSAGES))],
    locality: Annotated[str, Query(max_length=50)],
) -> FailedOut:
    """Lists the referrals about which a message of the last four weeks was given up, for the desk."""
    if locality not in localities_of(caller, queries):
        raise Problem(404)
    clock: Clock = request.app.state.clock
    found = await queries.referrals_with_failures(locality, clock() - FAILED_WITHIN)
    return FailedOut(referrals=found)


def localities_of(caller: Principal, queries: MessageQueries) -> list[str]:
    """The localities of this process that the caller may see."""
    return [locality for locality in queries.served if caller.may_locality(locality)]


def _failure(record: MessageRecord) -> FailureOut:
    return FailureOut(
        **MessageOut.of(record).model_dump(), locality=record.locality, referral=record.referral
    )


def _cursor_after(last: MessageRecord) -> str:
    return base64.urlsafe_b64encode(f"{last.at.isoformat()} {last.key}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    try:
        at, _, key = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        moment = datetime.fromisoformat(at)
    except (ValueError, binascii.Error):
        raise Problem(400, code="cursor", detail="Use the cursor as it was given.") from None
    if moment.tzinfo is None:
        raise Problem(400, code="cursor", detail="Use the cursor as it was given.")
    return moment, key
