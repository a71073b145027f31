"""Decides whether the person of a request is the one known under the NHS number, or a different person."""

from dataclasses import dataclass

from services.referral.identity.audits import Audits
from services.referral.identity.blind_index import IndexedPerson, find_by_number
from services.referral.identity.conflicts import Conflicts
from services.referral.identity.person import PersonDetails
from services.referral.identity.vault import entries
from services.referral.identity.vault.persons import PersonVault
from services.referral.referral_state.queries import visible
from services.referral.web.errors import ValidationFailed, contact_sentence
from shared.contract.events import vocabulary as v
from shared.contract.history import Stage
from shared.delivery.mongo.database import Mongo
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.localities import Localities
from shared.platform.people.name_comparison import FullName, NameMatch, compare_names
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

NAME = ("given_name", "family_name")
NUMBER_NOT_SAFE = (
    "This number was reported as not safe for them, and is never texted about them. "
    "Enter another number, or choose “No, ring”"
)


class SamePersonQuestion(Exception):
    """The names are similar, so the referrer must say whether it is one person.

    `confirm` is the code of a yes. `known` is the stored name, and `referral` a referral that shows it. Both
    are None if another practice gave the name.
    """

    def __init__(self, confirm: str, known: FullName | None, referral: str | None) -> None:
        super().__init__("is it the same person?")
        self.confirm = confirm
        self.known = known
        self.referral = referral

    def problem(self) -> Problem:
        """The question as the API asks it, without a name."""
        detail = (
            "This NHS number and date of birth are known here with a name that is like this one. "
            "If it is the same person, send the same again with `same_person` as in `confirm`."
        )
        return Problem(
            409, code="confirm_person", detail=detail, confirm=self.confirm, referral=self.referral
        )


@dataclass(frozen=True)
class IdentityMatcher:
    """Compares NHS number, date of birth and name with the vault."""

    mongo: Mongo
    vault: PersonVault
    audits: Audits
    conflicts: Conflicts
    localities: Localities

    async def match(
        self, caller: Principal, locality: str, person: PersonDetails, same_person: str | None
    ) -> IndexedPerson | None:
        """The person known under the NHS number, or None. `same_person` answers a SamePersonQuestion.

        Raises ValidationFailed for a different person, SamePersonQuestion if in doubt, and a 429 Problem
        after too many conflicts. An answer that reveals a person is audited first.
        """
        if person.nhs_number is None:
            return None
        await self.conflicts.admit(caller)
        found = await find_by_number(self.mongo, self.vault.index(locality), person.nhs_number)
        if found is None:
            return None
        details = await self.vault.details(self.mongo, [found.person], [*NAME, "date_of_birth"])
        held = details.get(found.person)
        if held is None:
            return found  # Erased at this moment: the write will notice.
        if held["date_of_birth"] != person.date_of_birth.isoformat():
            # Two people must never be taken for one: a person has to look at a slip in either field.
            await self.conflicts.record(caller, found.person, "number_does_not_fit")
            raise self._different_person("date of birth")
        known = full_name(held.get("given_name"), held["family_name"])
        await self._compare(caller, locality, found, known, name_of(person), same_person)
        return found

    async def match_returned(
        self,
        caller: Principal,
        locality: str,
        person: PersonDetails,
        returned: str | None,
        known: IndexedPerson | None,
    ) -> str | None:
        """The person behind a returned referral that a new one replaces; None if there is none.

        `known` was found under the NHS number. Raises ValidationFailed if the referral was not returned, or
        if it is about a different person.
        """
        if returned is None:
            return None
        entry = (await entries.entries(self.mongo, locality, [returned])).get(returned)
        row = await self.mongo[REFERRALS].find_one({"referral": returned} | visible(caller), {"facts": 0})
        if entry is None or row is None or row["view"]["stage"] != Stage.RETURNED:
            sentence = "The referral that this one answers was not sent back, or is open again."
            raise ValidationFailed([FieldError("/resends", "not_sent_back", sentence)])
        details = await self.vault.details_of_referrals(self.mongo, [entry], [*NAME, "date_of_birth"])
        held = details.get(returned)
        same = held is not None and held["date_of_birth"] == person.date_of_birth.isoformat()
        if held is not None and same:
            name = full_name(held.get("given_name"), held["family_name"])
            same = compare_names(name, name_of(person)) is not NameMatch.DIFFERENT
        if not same or (known is not None and known.person != entry.person):
            sentence = "This answers a referral of somebody else. For another person, start a new referral."
            raise ValidationFailed([FieldError("/date_of_birth", "resends_other_person", sentence)])
        return entry.person

    async def check_number_is_safe(self, person: PersonDetails, person_ref: str | None) -> None:
        """Raises ValidationFailed if a number reported as not safe for this person is now called safe."""
        number = person.telephone
        if person_ref is None or number is None or person.safe_to_text is not v.SafeToText.YES:
            return
        if number in (await self.vault.unsafe(self.mongo, [person_ref])).get(person_ref, ()):
            raise ValidationFailed([FieldError("/safe_to_text", "number_not_safe", NUMBER_NOT_SAFE)])

    async def _compare(
        self,
        caller: Principal,
        locality: str,
        found: IndexedPerson,
        known: FullName,
        given: FullName,
        same_person: str | None,
    ) -> None:
        match = compare_names(known, given)
        if match is NameMatch.SAME:
            return
        held = await entries.entries_of_person(self.mongo, found.person)
        if match is NameMatch.DIFFERENT and not await self._had_name(held, given):
            await self.conflicts.record(caller, found.person, "name_does_not_fit")
            raise self._different_person("name")
        confirm, *earlier = self._confirmations(locality, found, given)
        if same_person in (confirm, *earlier):
            await self.audits.reads(caller, "same_person_confirmed", [found.person], "referring")
            return
        latest = max(held, key=lambda entry: entry.version, default=None)
        if latest is None or not caller.may_practice(latest.practice):
            await self.conflicts.record(caller, found.person, "name_asked_elsewhere")
            raise SamePersonQuestion(confirm, None, None)
        await self.audits.reads(caller, "name_asked", [found.person], "referring")
        raise SamePersonQuestion(confirm, known, latest.referral)

    async def _had_name(self, held: list[entries.Entry], given: FullName) -> bool:
        """True if an earlier referral of the person has a name like this one."""
        details = await self.vault.details_of_referrals(self.mongo, held, NAME)
        names = (full_name(each.get("given_name"), each["family_name"]) for each in details.values())
        return any(compare_names(name, given) is not NameMatch.DIFFERENT for name in names)

    def _confirmations(self, locality: str, found: IndexedPerson, given: FullName) -> list[str]:
        """The code of a yes for this name and the current entry, so that no yes can be given beforehand.

        The newest key's code is shown; those of other keys hold too.
        """
        text = "\x1f".join((found.person, str(found.version), given.given, given.family))
        digests = self.vault.index(locality).digests("same person", text)
        return [digest.hex()[:32] for digest in digests]

    def _different_person(self, what: str) -> ValidationFailed:
        sentence = (
            f"This NHS number is known here with another {what}. Check both. "
            f"If both are right: {contact_sentence(self.localities.hub)}"
        )
        return ValidationFailed([FieldError("/nhs_number", "nhs_number_other_person", sentence)])


def name_of(person: PersonDetails) -> FullName:
    """A person's name for a comparison."""
    return full_name(person.given_name, person.family_name)


def full_name(given: str | None, family: str) -> FullName:
    """A name from its stored parts."""
    return FullName(given or "", family)
