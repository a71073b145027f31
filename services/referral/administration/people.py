"""People who have signed in: their role, where, and when they last did. No name: the issuer knows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel
from pymongo import DESCENDING

from services.referral.collections import SIGNED_IN
from services.referral.identity.context import Context
from services.referral.web.parameters import BASE
from shared.delivery.mongo.database import Mongo
from shared.platform.web.auth import require
from shared.platform.web.principal import Principal

router = APIRouter(prefix=f"{BASE}/administration/people", tags=["administration"])
_MOST = 1000


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person by the subject of their tokens, with the last sign-in."""

    subject: str
    role: str
    localities: tuple[str, ...]
    practices: tuple[str, ...]
    link_worker: str | None
    first: datetime
    last: datetime


class SignedInOut(BaseModel):
    """A person who has signed in."""

    subject: str
    role: str
    localities: list[str]
    practices: list[str]
    link_worker: str | None
    first: datetime
    last: datetime


class PeopleOut(BaseModel):
    """People, the last sign-in first."""

    people: list[SignedInOut]


async def signed_in(mongo: Mongo, caller: Principal) -> Sequence[SignedIn]:
    """The people who work in any of the caller's localities, the last sign-in first."""
    theirs = {"localities": {"$in": sorted(caller.localities)}}
    rows = mongo[SIGNED_IN].find(theirs).sort("last", DESCENDING).limit(_MOST)
    return [
        SignedIn(
            row["_id"],
            row["role"],
            tuple(row["localities"]),
            tuple(row["practices"]),
            row.get("link_worker"),
            row["first"],
            row["last"],
        )
        async for row in rows
    ]


@router.get("")
async def people(
    caller: Annotated[Principal, Depends(require("programme_admin"))], context: Context
) -> PeopleOut:
    """People who have signed in and work in the caller's localities, the last sign-in first."""
    found = await signed_in(context.mongo, caller)
    return PeopleOut(
        people=[
            SignedInOut(
                subject=each.subject,
                role=each.role,
                localities=list(each.localities),
                practices=list(each.practices),
                link_worker=each.link_worker,
                first=each.first,
                last=each.last,
            )
            for each in found
        ]
    )
