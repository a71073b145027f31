"""Whether the person of a request is the one who is known under their NHS number, or somebody else."""

from dataclasses import dataclass

from services.referral.identity import blind_index as lookups
from services.referral.identity.audits import Audits
from services.referral.identity.blind_index import IndexedPerson
from services.referral.identity.conflicts import Conflicts
from services.referral.identity.vault import entries
from services.referral.identity.vault.persons import PersonVault
from services.referral.intake.validation import (
    PersonDetails,
    ValidatedReferral,
    ValidationFailed,
    contact_sentence,
)
from services.referral.tracking import queries as cases
from shared.contract.events import vocabulary as v
from shared.contract.history import Stage
from shared.delivery.mongo.database import Mongo
from shared.platform.localities import Contact
from shared.platform.people.name_comparison import FullName, NameMatch, compare_names
from shared.platform.web.caller import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

NAME = ("given_name", "family_name")
NUMBER_NOT_SAFE = (
    "This number was reported as not safe for them, and is never texted about them. "
    "Enter another number, or choose “No, ring”"
)


class SamePersonQuestion(Exception):
    """The names are similar: the referrer must say whether it is one person.

    `confirm` is what they say it with. `known` is the name that is held, and `referral` a referral that shows
    it, where the caller's practice gave that name; both None where another did.
    """

    def __init__(self, confirm: str, known: FullName | None, referral: str | None) -> None:
        super().__init__("is it the same person?")
        self.confirm = confirm
        self.known = known
        self.referral = referral

    def problem(self) -> Problem:
        """The question as the API asks it: without a name."""
        detail = (
            "This NHS number and date of birth are known here with a name that is like this one. "
            "If it is the same person, send the same again with `same_person` as in `confirm`."
        )
        return Problem(
            409, code="confirm_person", detail=detail, confirm=self.confirm, referral=self.referral
        )


@dataclass(frozen=True)
class IdentityMatcher:
    """Compares NHS number, date of birth and name with what the vault holds."""

    mongo: Mongo
    persons: PersonVault
    audits: Audits
    conflicts: Conflicts
    hub: Contact

    async def known(self, caller: Principal, accepted: ValidatedReferral) -> IndexedPerson | None:
        """Who is known under the request's NHS number, if anybody is.

        Raises NotTaken for somebody else, SamePersonAsked where it may be either, a 429 Problem where the
        caller has met too many. What tells of a person is audited first.
        """
        person = accepted.person
        if person.nhs_number is None:
            return None
        await self.conflicts.admit(caller)
        index = self.persons.index(accepted.locality.slug)
        found = await lookups.find_by_number(self.mongo, index, person.nhs_number)
        if found is None:
            return None
        details = await self.persons.details(self.mongo, [found.person], [*NAME, "date_of_birth"])
        held = details.get(found.person)
        if held is None:
            return found  # erased this moment: writing finds out
        if held["date_of_birth"] != person.date_of_birth.isoformat():
            # Two people must never be taken for one: a slip in either field is for somebody to look at.
            await self.conflicts.note(caller, found.person, "number_does_not_fit")
            raise self._somebody_else("date of birth")
        await self._compare(caller, accepted, found, full_name(held.get("given_name"), held["family_name"]))
        return found

    async def resent(
        self, caller: Principal, accepted: ValidatedReferral, known: IndexedPerson | None
    ) -> str | None:
        """Whose referral was sent back that this one answers; None where it answers none.

        `known`: who was found under the NHS number. Raises NotTaken for a referral that was not sent back,
        and for somebody else's.
        """
        old, locality = accepted.request.resends, accepted.locality.slug
        if old is None:
            return None
        entry = (await entries.entries(self.mongo, locality, [old])).get(old)
        row = await self.mongo["referrals"].find_one({"referral": old} | cases.visible(caller), {"facts": 0})
        if entry is None or row is None or row["view"]["stage"] != Stage.RETURNED:
            sentence = "The referral that this one answers was not sent back, or is open again."
            raise ValidationFailed([FieldError("/resends", "not_sent_back", sentence)])
        details = await self.persons.details_of_referrals(self.mongo, [entry], [*NAME, "date_of_birth"])
        held = details.get(old)
        same = held is not None and held["date_of_birth"] == accepted.person.date_of_birth.isoformat()
        if held is not None and same:
            name = full_name(held.get("given_name"), held["family_name"])
            same = compare_names(name, name_of(accepted.person)) is not NameMatch.DIFFERENT
        if not same or (known is not None and known.person != entry.person):
            sentence = "This answers a referral of somebody else. For another person, start a new referral."
            raise ValidationFailed([FieldError("/date_of_birth", "resends_other_person", sentence)])
        return entry.person

    async def refuse_unsafe_number(self, accepted: ValidatedReferral, person: str | None) -> None:
        """Raises NotTaken where a number that was reported as not safe for this person is said to be safe."""
        number = accepted.person.telephone
        if person is None or number is None or accepted.person.safe_to_text is not v.SafeToText.YES:
            return
        if number in (await self.persons.unsafe(self.mongo, [person])).get(person, ()):
            raise ValidationFailed([FieldError("/safe_to_text", "number_not_safe", NUMBER_NOT_SAFE)])

    async def _compare(
        self, caller: Principal, accepted: ValidatedReferral, found: IndexedPerson, known: FullName
    ) -> None:
        told = name_of(accepted.person)
        match = compare_names(known, told)
        if match is NameMatch.SAME:
            return
        held = await entries.entries_of_person(self.mongo, found.person)
        if match is NameMatch.DIFFERENT and not await self._had_before(held, told):
            await self.conflicts.note(caller, found.person, "name_does_not_fit")
            raise self._somebody_else("name")
        confirm = self._confirmation(accepted, found, told)
        if accepted.request.same_person == confirm:
            await self.audits.reads(caller, "same_person_confirmed", [found.person], "referring")
            return
        latest = max(held, key=lambda entry: entry.version, default=None)
        if latest is None or not caller.may_practice(latest.practice):
            await self.conflicts.note(caller, found.person, "name_asked_elsewhere")
            raise SamePersonQuestion(confirm, None, None)
        await self.audits.reads(caller, "name_asked", [found.person], "referring")
        raise SamePersonQuestion(confirm, known, latest.referral)

    async def _had_before(self, held: list[entries.Entry], told: FullName) -> bool:
        """Whether an earlier referral of the person was made under a name like this one."""
        details = await self.persons.details_of_referrals(self.mongo, held, NAME)
        names = (full_name(each.get("given_name"), each["family_name"]) for each in details.values())
        return any(compare_names(name, told) is not NameMatch.DIFFERENT for name in names)

    def _confirmation(self, accepted: ValidatedReferral, found: IndexedPerson, told: FullName) -> str:
        """Holds for this name and for what is known now, so that nobody can say yes beforehand."""
        said = "\x1f".join((found.person, str(found.version), told.given, told.family))
        return self.persons.index(accepted.locality.slug).digest("same person", said).hex()[:32]

    def _somebody_else(self, what: str) -> ValidationFailed:
        sentence = (
            f"This NHS number is known here with another {what}. Check both. "
            f"If both are right: {contact_sentence(self.hub)}"
        )
        return ValidationFailed([FieldError("/nhs_number", "nhs_number_other_person", sentence)])


def name_of(person: PersonDetails) -> FullName:
    """A person's name as it is compared."""
    return full_name(person.given_name, person.family_name)


def full_name(given: str | None, family: str) -> FullName:
    return FullName(given or "", family)
