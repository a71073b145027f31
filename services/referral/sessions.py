"""Sessions of signed-in users of all services' pages, and the check of other services whether one is open."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Request
from pymongo.errors import DuplicateKeyError, PyMongoError

from services.referral.collections import LOGOUTS, SESSIONS, SIGNED_IN
from services.referral.session_renewal import Renewals
from services.referral.web.parameters import BASE
from shared.contract.api import referral as contract
from shared.contract.api.referral import SESSION, SessionAnswer
from shared.delivery.mongo.database import Mongo
from shared.platform.clock import Clock
from shared.platform.web.bodies import JsonBody
from shared.platform.web.granted import Granted, LogoutNotice
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.seams import asked_by
from shared.platform.web.session_keeping import RepeatedNotice, SessionKeeper, SessionsUnavailable

router = APIRouter(prefix=BASE, tags=["between services"])

_MAX_UNWRITTEN: Final = timedelta(seconds=30)


class KeptSessions:
    """A SessionKeeper on the database: a document for each session, of hashes and times, without a person.

    Use is written at most twice a minute. A session may therefore end up to 30 seconds early.
    """

    def __init__(self, mongo: Mongo, idle: timedelta, renewals: Renewals, clock: Clock) -> None:
        self._mongo = mongo
        self._idle = idle
        self._unwritten = min(_MAX_UNWRITTEN, idle / 20)
        self._renewals = renewals
        self._clock = clock

    async def begin(self, digest: str, ends: datetime, caller: Principal, granted: Granted) -> None:
        """As SessionKeeper."""
        now = self._clock()
        document = {"_id": digest, "used": now, "ends": ends} | self._renewals.kept(granted)
        try:
            await self._mongo[SESSIONS].insert_one(document)
            await self._mongo[SIGNED_IN].update_one(
                {"_id": caller.subject},
                {"$set": _signed_in(caller, now), "$setOnInsert": {"first": now}},
                upsert=True,
            )
        except PyMongoError:
            raise SessionsUnavailable from None

    async def is_open(self, digest: str) -> bool:
        """As SessionCheck."""
        now = self._clock()
        try:
            found = await self._mongo[SESSIONS].find_one({"_id": digest})
            # The database removes an ended session only after a minute or two.
            if found is None or now >= found["ends"] or now - found["used"] >= self._idle:
                return False
            if not await self._renewals.still_granted(found):
                return False
            if now - found["used"] >= self._unwritten:
                # Another replica may have recorded later use, so the time never goes back.
                await self._mongo[SESSIONS].update_one({"_id": digest}, {"$max": {"used": now}})
        except PyMongoError:
            raise SessionsUnavailable from None
        return True

    async def end_named(self, notice: LogoutNotice) -> Sequence[str]:
        """As SessionKeeper."""
        row = {"_id": sha256(notice.jti.encode()).hexdigest(), "at": self._clock()}
        try:
            if await self._mongo[LOGOUTS].find_one({"_id": row["_id"]}) is not None:
                raise RepeatedNotice
            named = self._renewals.named_by(notice)
            ended = [each["_id"] async for each in self._mongo[SESSIONS].find(named, {"_id": 1})]
            await self._mongo[SESSIONS].delete_many(named)
            # Noted last: a notice whose sessions were not ended may come again.
            await self._mongo[LOGOUTS].insert_one(row)
        except DuplicateKeyError:
            raise RepeatedNotice from None
        except PyMongoError:
            raise SessionsUnavailable from None
        return ended

    async def end(self, digest: str) -> None:
        """As SessionKeeper."""
        try:
            await self._mongo[SESSIONS].delete_one({"_id": digest})
        except PyMongoError:
            raise SessionsUnavailable from None


def _signed_in(caller: Principal, now: datetime) -> dict[str, Any]:
    return {
        "role": caller.role,
        "localities": sorted(caller.localities),
        "practices": sorted(caller.practices),
        "link_worker": caller.link_worker,
        "last": now,
    }


class SessionQuestion(contract.SessionQuestion, JsonBody):
    """The session to check."""


Asker = Annotated[Principal, Depends(asked_by(SESSION))]


def _keeper_of(request: Request) -> SessionKeeper:
    return cast("SessionKeeper", request.app.state.session_keeper)


Keeper = Annotated[SessionKeeper, Depends(_keeper_of)]


@router.post("/sessions/check")
async def check(request: SessionQuestion, _: Asker, keeper: Keeper) -> SessionAnswer:
    """Says whether a session is open, and counts as use of it. Never answered from a cache."""
    try:
        return SessionAnswer(open=await keeper.is_open(request.session))
    except SessionsUnavailable:
        raise Problem(503, code="away", headers={"retry-after": "2"}) from None
