"""Limits how often a caller learns that a person is known elsewhere. Each such answer is audited."""

from datetime import timedelta

from services.referral.collections import CONFLICTS
from services.referral.identity.audits import Audits
from services.referral.web.errors import contact_sentence
from shared.delivery.mongo.database import Mongo
from shared.platform.clock import Clock
from shared.platform.localities import Localities
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

WINDOW = timedelta(hours=1)


class Conflicts:
    """Counts, by subject, answers that reveal a known person. All replicas share the count."""

    def __init__(
        self, mongo: Mongo, audits: Audits, clock: Clock, localities: Localities, max_an_hour: int
    ) -> None:
        self._mongo = mongo
        self._audits = audits
        self._clock = clock
        self._localities = localities
        self._max_an_hour = max_an_hour

    async def admit(self, caller: Principal) -> None:
        """Raises a 429 Problem with Retry-After if the caller has reached the limit."""
        await self._limit(caller, self._max_an_hour)

    async def record(self, caller: Principal, person_ref: str, action: str) -> None:
        """Records, before the answer, that the caller learns of a person who is known elsewhere.

        `action` is the code of the audit. Raises the 429 Problem if parallel requests exceed the limit.
        """
        await self._audits.reads(caller, action, [person_ref], "referring")
        await self._mongo[CONFLICTS].insert_one({"caller": caller.subject, "at": self._clock()})
        await self._limit(caller, self._max_an_hour + 1)

    async def _limit(self, caller: Principal, limit: int) -> None:
        now = self._clock()
        wanted = {"caller": caller.subject, "at": {"$gt": now - WINDOW}}
        latest = await self._mongo[CONFLICTS].find(wanted).sort("at", -1).to_list(limit)
        if len(latest) < limit:
            return
        raise self._too_many(latest[-1]["at"] + WINDOW - now)

    def _too_many(self, remaining: timedelta) -> Problem:
        seconds = max(1, round(remaining.total_seconds()))
        detail = (
            "Too many referrals did not fit what is known of a person. "
            f"Try again in {-(-seconds // 60)} minutes. {contact_sentence(self._localities.hub)}"
        )
        headers = {"retry-after": str(seconds)}
        return Problem(429, code="too_many_conflicts", detail=detail, headers=headers)
