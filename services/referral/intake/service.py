"""The use cases of a practice: make, find and withdraw referrals. API and pages go through here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, cast

from fastapi import Depends, Request

from services.referral.identity.blind_index import find_by_likeness, find_by_number
from services.referral.identity.context import ReferralContext
from services.referral.identity.matching import IdentityMatcher
from services.referral.identity.person import PERSON_FIELDS, PersonDetails, StoredFields, person_of
from services.referral.identity.vault import entries
from services.referral.intake import commands
from services.referral.intake.create import AlreadyOpen, IndexChanged, NewReferralAttempt
from services.referral.intake.validation import ValidatedReferral, check_route, practice_of
from services.referral.referral_state.queries import find_visible, visible
from services.referral.referral_state.state import NotOpen, ReferralState
from services.referral.web.errors import contact_sentence
from shared.contract.events import vocabulary as v
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.model.errors import Conflict
from shared.delivery.mongo.database import Row
from shared.delivery.unit_of_work.commands import CommandResult, Idempotency, is_answered
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.localities import Locality, Practice
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

_MAX_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person whom the caller's practice has referred before, and their open referral if there is one."""

    person: PersonDetails
    open: Row | None


@dataclass(frozen=True)
class ReferralService:
    """Makes, finds and withdraws referrals."""

    context: ReferralContext
    matcher: IdentityMatcher

    def practice(self, caller: Principal, code: str | None) -> tuple[Practice, Locality]:
        """The practice that a caller refers from. A caller with one practice may leave it out.

        Raises ValidationFailed for a code that is unknown or outside the programme, and a 403 Problem for
        another's practice.
        """
        if code is None and caller.role == "referrer" and len(caller.practices) == 1:
            (code,) = caller.practices
        practice, locality = practice_of(code, self.context.localities, self.context.today())
        theirs = caller.may_practice(practice.ods) or caller.role == "service"
        if not (theirs and caller.may_locality(locality.slug)):
            raise Problem(403, code="practice_not_yours", detail="You may not refer from this practice.")
        if locality.slug not in self.context.kernel.localities:
            raise Problem(503, code="not_served_here", detail="This locality is served elsewhere.")
        return practice, locality

    async def refer(
        self, caller: Principal, accepted: ValidatedReferral, idempotency: Idempotency | None = None
    ) -> CommandResult[ReferralState]:
        """Makes a referral. The reply holds its `id`.

        Raises:
            ValidationFailed: the NHS number is another person's, or the route is not the caller's.
            SamePersonQuestion: the person may be another.
            Problem: 409 if the person has an open referral in the locality, with `existing` if the caller
                may see it; 429 after too many of these.
            NotOwner: referrals of the locality are another owner's. A repeat has its answer all the same.
        """
        check_route(caller.role, accepted.request.route)
        if not await is_answered(self.context.mongo, idempotency):
            self.context.require_ours(accepted.locality.slug)
        locality, person, request = accepted.locality.slug, accepted.person, accepted.request
        for _ in range(_MAX_ATTEMPTS):
            known = await self.matcher.match(caller, locality, person, request.same_person)
            returned = await self.matcher.match_returned(caller, locality, person, request.resends, known)
            person_ref = known.person if known else returned
            await self.matcher.check_number_is_safe(person, person_ref)
            attempt = NewReferralAttempt(
                vault=self.context.vault,
                accepted=accepted,
                person_ref=person_ref or self.context.new_reference(),
                by=caller.subject,
                known=known,
                reason_note=self.context.kernel.new_id() if request.reason else None,
                risk_note=self.context.kernel.new_id() if request.risk_line else None,
                returned_person=returned,
            )
            try:
                return await self._create(caller, attempt, idempotency)
            except IndexChanged:
                continue
            except AlreadyOpen as already:
                raise await self._duplicate(caller, accepted.locality, already.row) from None
        raise Conflict("the person's entry keeps changing")

    async def find(
        self, caller: Principal, practice: Practice, locality: Locality, nhs_number: str, born: date
    ) -> KnownPerson | None:
        """The person known at this practice under both an NHS number and a date of birth. Audited."""
        mongo, vault = self.context.mongo, self.context.vault
        found = await find_by_number(mongo, vault.index(locality.slug), nhs_number)
        if found is None:
            return None
        held = await entries.entries_of_person(mongo, found.person)
        if not any(entry.practice == practice.ods for entry in held):
            return None
        await self.context.audits.reads(caller, "find_person", [found.person], "referring")
        details = await vault.details(mongo, [found.person], PERSON_FIELDS)
        person = person_of(details[found.person]) if found.person in details else None
        if person is None or person.date_of_birth != born:
            return None
        return KnownPerson(person, await self._open_referral(caller, [found.person]))

    async def known_by(self, caller: Principal, row: Row) -> KnownPerson:
        """The person behind a referral of the caller's practice, as that referral shows them. Audited.

        Raises:
            Problem: 409 if the vault does not hold the details.
        """
        mongo, referral = self.context.mongo, row["referral"]
        held = (await entries.entries(mongo, row["locality"], [referral])).get(referral)
        details: Mapping[str, StoredFields] = {}
        if held is not None and caller.may_practice(held.practice):
            await self.context.audits.reads(caller, "find_person", [held.person], "referring")
            details = await self.context.vault.details_of_referrals(mongo, [held], PERSON_FIELDS)
        if held is None or referral not in details:
            detail = "The details of this referral are not kept here."
            raise Problem(409, code="kept_by_partner", detail=detail)
        return KnownPerson(person_of(details[referral]), await self._open_referral(caller, [held.person]))

    async def find_alike(self, caller: Principal, accepted: ValidatedReferral) -> Row | None:
        """An open referral of a person with the same name, date of birth and postcode: a hint, no more."""
        index = self.context.vault.index(accepted.locality.slug)
        persons = await find_by_likeness(self.context.mongo, index, accepted.person)
        return await self._open_referral(caller, persons) if persons else None

    async def withdraw(
        self,
        caller: Principal,
        referral_id: str,
        reason: v.WithdrawReason,
        idempotency: Idempotency | None = None,
    ) -> Row:
        """Withdraws a referral of the caller's practice, gives its document. 404, 409 Problems; NotOwner."""
        row = await find_visible(self.context.mongo, caller, referral_id)

        def act(state: ReferralState, _: None, context: DecisionContext) -> Decision:
            return commands.withdraw(reason, state, context)

        try:
            change = self.context.change(caller, "withdraw", row["locality"])
            await self.context.kernel.command(
                row["locality"], referral_id, act, idempotency=idempotency, change=change
            )
        except NotOpen:
            raise Problem(409, code="already_ended", detail="This referral has ended already.") from None
        return await find_visible(self.context.mongo, caller, referral_id)

    async def _create(
        self, caller: Principal, attempt: NewReferralAttempt, idempotency: Idempotency | None
    ) -> CommandResult[ReferralState]:
        referral_id = self.context.kernel.new_id()

        def answer(_state: ReferralState, _facts: object) -> dict[str, str]:
            return {"id": referral_id}

        locality = attempt.accepted.locality.slug
        return await self.context.kernel.command(
            locality,
            referral_id,
            attempt.act,
            within=attempt.within,
            idempotency=idempotency,
            answer=answer,
            change=self.context.change(caller, "refer", locality),
        )

    async def _open_referral(self, caller: Principal, persons: list[str]) -> Row | None:
        wanted = visible(caller) | {"view.person": {"$in": persons}, "view.open": True}
        found: Row | None = await self.context.mongo[REFERRALS].find_one(wanted, {"facts": 0})
        return found

    async def _duplicate(self, caller: Principal, locality: Locality, row: Row) -> Problem:
        theirs = caller.may_practice(row["view"]["practice"]) and caller.may_locality(locality.slug)
        if theirs:
            detail = "This person has an open referral already."
            return Problem(409, code="open_referral", detail=detail, existing=row["referral"])
        await self.matcher.conflicts.record(caller, row["view"]["person"], "known_elsewhere")
        detail = (
            "This person has an open referral in this locality already, from elsewhere. "
            f"{contact_sentence(self.context.localities.hub)}"
        )
        return Problem(409, code="open_referral", detail=detail)


def service_of(request: Request) -> ReferralService:
    """The use cases of the application that serves this request."""
    return cast("ReferralService", request.app.state.referral_service)


Service = Annotated[ReferralService, Depends(service_of)]
