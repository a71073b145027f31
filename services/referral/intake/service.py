"""Where referrals are made, found, withdrawn and erased. API and pages go through here and nowhere else."""

import uuid
from dataclasses import dataclass
from datetime import date
from functools import partial

from services.referral.identity import blind_index as lookups
from services.referral.identity import erasure as erasing
from services.referral.identity.audits import Audits
from services.referral.identity.matching import IdentityMatcher
from services.referral.identity.vault import entries
from services.referral.identity.vault.persons import PERSON_FIELDS, PersonVault, person_of
from services.referral.intake import commands as decisions
from services.referral.intake.create import LookupMoved, NewReferralAttempt, OpenAlready
from services.referral.intake.validation import (
    PersonDetails,
    ValidatedReferral,
    check_route,
    contact_sentence,
    practice_of,
)
from services.referral.referral_state.state import ReferralState
from services.referral.tracking import queries as cases
from shared.contract.events import vocabulary as v
from shared.delivery.kernel import Kernel
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.model.errors import Conflict
from shared.delivery.mongo.database import Row, Transaction
from shared.delivery.unit_of_work.commands import CommandResult, Idempotency
from shared.platform.clock import LONDON
from shared.platform.ids import NewId
from shared.platform.localities import Localities, Locality, Practice
from shared.platform.web.caller import Principal
from shared.platform.web.problem import Problem

_MOST_MOVES = 5


def random_reference() -> str:
    """A reference that tells nothing, not even when it was made."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person of the caller's practice, and their open referral if there is one."""

    person: PersonDetails
    open: Row | None


@dataclass(frozen=True)
class ReferralService:
    """The use cases of this service."""

    kernel: Kernel[ReferralState, None]
    persons: PersonVault
    localities: Localities
    audits: Audits
    identity: IdentityMatcher
    new_reference: NewId = random_reference

    def today(self) -> date:
        """The day in England."""
        return self.kernel.clock().astimezone(LONDON).date()

    def practice(self, caller: Principal, code: str | None) -> tuple[Practice, Locality]:
        """The practice that a caller refers from; with one practice it need not be said.

        Raises NotTaken for a code that is unknown or outside the programme, a 403 Problem for another's.
        """
        if code is None and caller.role == "referrer" and len(caller.practices) == 1:
            (code,) = caller.practices
        practice, locality = practice_of(code, self.localities, self.today())
        theirs = caller.may_practice(practice.ods) or caller.role == "service"
        if not (theirs and caller.may_locality(locality.slug)):
            raise Problem(403, code="practice_not_yours", detail="You may not refer from this practice.")
        if locality.slug not in self.kernel.localities:
            raise Problem(503, code="not_served_here", detail="This locality is served elsewhere.")
        return practice, locality

    async def refer(
        self, caller: Principal, accepted: ValidatedReferral, idempotency: Idempotency | None = None
    ) -> CommandResult[ReferralState]:
        """Makes a referral; the reply holds its `id`.

        Raises NotTaken where the NHS number is somebody else's or the route not the caller's, SamePersonAsked
        where it may be somebody else's, a 409 Problem (with `existing` where the caller may see it) where the
        person has an open referral in the locality, and a 429 Problem after too many of these.
        """
        check_route(caller.role, accepted.request.route)
        for _ in range(_MOST_MOVES):
            known = await self.identity.known(caller, accepted)
            resent = await self.identity.resent(caller, accepted, known)
            person = known.person if known else resent
            await self.identity.refuse_unsafe_number(accepted, person)
            making = NewReferralAttempt(
                persons=self.persons,
                accepted=accepted,
                person_ref=person or self.new_reference(),
                by=caller.subject,
                known=known,
                reason_note=self.kernel.new_id() if accepted.request.reason else None,
                risk_note=self.kernel.new_id() if accepted.request.risk_line else None,
                resent=resent,
            )
            try:
                return await self._make(making, idempotency)
            except LookupMoved:
                continue
            except OpenAlready as already:
                raise await self._duplicate(caller, accepted.locality, already.row) from None
        raise Conflict("the person's entry keeps changing")

    def digest(self, locality: str, body: str) -> bytes:
        """A keyed digest of a request's body, for its idempotency key."""
        return self.persons.index(locality).digest("request", body)

    async def find(
        self, caller: Principal, practice: Practice, locality: Locality, nhs_number: str, born: date
    ) -> KnownPerson | None:
        """Who is known at this practice under an NHS number and a date of birth, both of which must fit."""
        found = await lookups.find_by_number(self.kernel.mongo, self.persons.index(locality.slug), nhs_number)
        if found is None:
            return None
        held = await entries.entries_of_person(self.kernel.mongo, found.person)
        if not any(entry.practice == practice.ods for entry in held):
            return None
        await self.audits.reads(caller, "find_person", [found.person], "referring")
        details = await self.persons.details(self.kernel.mongo, [found.person], PERSON_FIELDS)
        person = person_of(details[found.person]) if found.person in details else None
        if person is None or person.date_of_birth != born:
            return None
        return KnownPerson(person, await self._open_referral(caller, [found.person]))

    async def alike(self, caller: Principal, accepted: ValidatedReferral) -> Row | None:
        """An open referral of somebody with the same name, date of birth and postcode: a hint, no more."""
        index = self.persons.index(accepted.locality.slug)
        persons = await lookups.find_by_likeness(self.kernel.mongo, index, accepted.person)
        return await self._open_referral(caller, persons) if persons else None

    async def withdraw(
        self,
        caller: Principal,
        referral_id: str,
        reason: v.WithdrawReason,
        idempotency: Idempotency | None = None,
    ) -> Row:
        """Withdraws a referral of the caller's practice; gives its document. 404 and 409 Problems."""
        row = await cases.find_visible(self.kernel.mongo, caller, referral_id)

        def act(view: ReferralState, _: None, context: DecisionContext) -> Decision:
            return decisions.withdraw(reason, view, context)

        try:
            await self.kernel.command(row["locality"], referral_id, act, idempotency=idempotency)
        except decisions.NotOpen:
            raise Problem(409, code="already_ended", detail="This referral has ended already.") from None
        return await cases.find_visible(self.kernel.mongo, caller, referral_id)

    async def erase(self, caller: Principal, referral_id: str) -> None:
        """Erases the person behind a referral of ours. Done twice it does nothing more. 404 and 409 Problems.

        The key goes first, in one transaction with everything that leads to the person; then each of their
        referrals is told. What a crash leaves untold, `finish_erasures` tells at the next start.
        """
        row = await cases.find_visible(self.kernel.mongo, caller, referral_id)
        locality = row["locality"]
        entry = (await entries.entries(self.kernel.mongo, locality, [referral_id])).get(referral_id)
        if entry is not None:
            await self.kernel.transact(
                partial(
                    erasing.erase,
                    locality=locality,
                    person=entry.person,
                    now=self.kernel.clock(),
                    by=caller.subject,
                )
            )
        elif not await erasing.erased_among(self.kernel.mongo, locality, [referral_id]):
            raise Problem(409, code="kept_by_partner", detail="The details are kept by the partner.")
        await self.finish_erasures()

    async def finish_erasures(self) -> None:
        """Says person_erased of every referral of an erased person of which it was not said yet."""
        for stone in await erasing.unfinished_erasures(self.kernel.mongo):
            for referral in stone.untold:
                await self._tell_erased(stone, referral)

    async def _tell_erased(self, stone: erasing.Tombstone, referral: str) -> None:
        def act(view: ReferralState, _: None, context: DecisionContext) -> Decision:
            return decisions.erase(stone.person, view, context)

        async def within(tx: Transaction, _: DecisionContext) -> None:
            await erasing.mark_published(tx, stone.person, referral)

        await self.kernel.command(stone.locality, referral, act, within=within)

    async def _make(
        self, making: NewReferralAttempt, idempotency: Idempotency | None
    ) -> CommandResult[ReferralState]:
        referral_id = self.kernel.new_id()

        def answer(_view: ReferralState, _facts: object) -> dict[str, str]:
            return {"id": referral_id}

        return await self.kernel.command(
            making.accepted.locality.slug,
            referral_id,
            making.act,
            within=making.within,
            idempotency=idempotency,
            answer=answer,
        )

    async def _open_referral(self, caller: Principal, persons: list[str]) -> Row | None:
        wanted = cases.visible(caller) | {"view.person": {"$in": persons}, "view.open": True}
        found: Row | None = await self.kernel.mongo["referrals"].find_one(wanted, {"facts": 0})
        return found

    async def _duplicate(self, caller: Principal, locality: Locality, row: Row) -> Problem:
        theirs = caller.may_practice(row["view"]["practice"]) and caller.may_locality(locality.slug)
        if theirs:
            detail = "This person has an open referral already."
            return Problem(409, code="open_referral", detail=detail, existing=row["referral"])
        await self.identity.conflicts.note(caller, row["view"]["person"], "known_elsewhere")
        detail = (
            "This person has an open referral in this locality already, from elsewhere. "
            f"{contact_sentence(self.localities.hub)}"
        )
        return Problem(409, code="open_referral", detail=detail)
