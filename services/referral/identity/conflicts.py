"""Answers that tell that a person is known elsewhere: each is audited, and a caller gets only so many."""

from datetime import timedelta

from services.referral.identity.audits import Audits
from services.referral.intake.validation import contact_sentence
from shared.delivery.mongo.database import Mongo
from shared.platform.clock import Clock
from shared.platform.localities import Contact
from shared.platform.web.caller import Principal
from shared.platform.web.problem import Problem

CONFLICTS = "conflicts"
WITHIN = timedelta(hours=1)


class Conflicts:
    """Counts, by subject, what could be used to find out who is known where. All replicas share the count."""

    def __init__(self, mongo: Mongo, audits: Audits, clock: Clock, hub: Contact, an_hour: int) -> None:
        self._mongo = mongo
        self._audits = audits
        self._clock = clock
        self._hub = hub
        self._an_hour = an_hour

    async def admit(self, caller: Principal) -> None:
        """Raises a 429 Problem, with Retry-After, where the caller met as many in an hour as they may."""
        await self._refuse(caller, self._an_hour)

    async def note(self, caller: Principal, person: str, action: str) -> None:
        """Writes down, before the answer, that the caller learns of a person known elsewhere.

        `action` is the audit's code. Raises the 429 Problem where requests made at once go beyond it.
        """
        await self._audits.reads(caller, action, [person], "referring")
        await self._mongo[CONFLICTS].insert_one({"caller": caller.subject, "at": self._clock()})
        await self._refuse(caller, self._an_hour + 1)

    async def _refuse(self, caller: Principal, most: int) -> None:
        now = self._clock()
        wanted = {"caller": caller.subject, "at": {"$gt": now - WITHIN}}
        met = await self._mongo[CONFLICTS].find(wanted).sort("at", -1).to_list(most)
        if len(met) < most:
            return
        raise self._too_many(met[-1]["at"] + WITHIN - now)

    def _too_many(self, rest: timedelta) -> Problem:
        seconds = max(1, round(rest.total_seconds()))
        detail = (
            "Too many referrals did not fit what is known of a person. "
            f"Try again in {-(-seconds // 60)} minutes. {contact_sentence(self._hub)}"
        )
        headers = {"retry-after": str(seconds)}
        return Problem(429, code="too_many_conflicts", detail=detail, headers=headers)
