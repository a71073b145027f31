"""The header of a person on pages: name, warnings and contact."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.matching.referral_state.views import CaseLine, MeetingShown
from services.matching.web.grammar import lower_first
from shared.contract import labels
from shared.contract.events import vocabulary as v
from shared.platform.localities import Localities
from shared.platform.people.telephone import as_dialled
from shared.platform.web.dates import age_band
from shared.platform.web.references import short_reference

NAME_AND_TELEPHONE = ("name", "telephone")
ADDRESS = ("address", "postcode")
ADDRESS_AWAY = "cannot be shown just now. Load the page again in a minute."
ADDRESS_ELSEWHERE = "the partner that referred them keeps it. Ask the partner with the reference."
ADDRESS_UNKNOWN = "not known. Ring them and ask."


@dataclass(frozen=True, slots=True)
class Flag:
    """A warning. `kind` (risk, contact, access) selects its style. The text alone carries the meaning."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class PersonContact:
    """A person's name and telephone number. Without the vault, a reference and None."""

    name: str
    telephone: str | None = None


def person_contact(people: Mapping[str, Mapping[str, Any]], referral_id: str) -> PersonContact:
    """The person of a referral, found in the vault's answer `people`."""
    person = people.get(referral_id, {})
    name, telephone = person.get("name"), person.get("telephone")
    return PersonContact(
        str(name) if name else f"Reference {short_reference(referral_id)}", dialled(telephone)
    )


def home_address(
    meeting: MeetingShown | None, line: CaseLine, people: Mapping[str, Mapping[str, Any]]
) -> str:
    """The address of a home visit, or the reason why it cannot be shown; empty for other meetings.

    `people`: the vault's answer to a request for `ADDRESS`.
    """
    if meeting is None or meeting.mode is not v.MeetingMode.HOME:
        return ""
    person = people.get(line.referral_id)
    if person is None:
        return ADDRESS_ELSEWHERE if line.kept_elsewhere else ADDRESS_AWAY
    told = [" ".join(str(person[field]).split()) for field in ADDRESS if person.get(field)]
    return ", ".join(told) if person.get("address") else ADDRESS_UNKNOWN


def dialled(telephone: object) -> str | None:
    """A person's telephone number in the form that is dialled; None if there is none."""
    return as_dialled(str(telephone)) if telephone else None


def flags(line: CaseLine) -> tuple[Flag, ...]:
    """All warnings about a person: risk, then contact, then access needs."""
    return (*_risk(line), *contact_flags(line), *_access(line))


def flags_in_brief(line: CaseLine) -> tuple[Flag, ...]:
    """The warnings for a list: risk, interpreter, home visit."""
    found = []
    if line.risk is v.Risk.SEE_NOTE:
        found.append(Flag("risk", "Risk"))
    if line.interpreter:
        found.append(Flag("access", f"Interpreter: {language_name(line.language)}"))
    if v.AccessNeed.HOME_VISIT in line.access_needs:
        found.append(Flag("access", labels.ACCESS_NEEDS[v.AccessNeed.HOME_VISIT.value]))
    return tuple(found)


def _risk(line: CaseLine) -> list[Flag]:
    return [Flag("risk", "Risk: read the note first")] if line.risk is v.Risk.SEE_NOTE else []


def contact_flags(line: CaseLine) -> list[Flag]:
    """Warnings about contact with a person whom texts are not known to reach safely."""
    if line.contact is v.SafeToText.YES:
        return []
    text = "Ring, do not text" if line.contact is v.SafeToText.RING else "Not known if texts are safe: ring"
    return [Flag("contact", f"{text}. No voicemail")]


def _access(line: CaseLine) -> list[Flag]:
    found = [Flag("access", labels.ACCESS_NEEDS[need.value]) for need in line.access_needs]
    language = language_name(line.language)
    if line.interpreter:
        found.insert(0, Flag("access", f"Interpreter: {language}"))
    elif line.language != "en":
        found.insert(0, Flag("access", f"Speaks {language}"))
    return found


def language_name(code: str) -> str:
    """The name of a language, or its code in quotation marks."""
    name = labels.language(code)
    return f"language “{code}”" if name == code else name


def needs_in_words(needs: Sequence[v.Need]) -> str:
    """The needs as a phrase with a capital letter."""
    return ", ".join(lower_first(labels.NEEDS[need.value]) for need in needs).capitalize() or "Not said"


def about_person(line: CaseLine) -> str:
    """The age band in words."""
    return f"Aged {age_band(line.age_band.value)}" if line.age_band else "Age not known"


def practice_name(places: Localities, code: str) -> str:
    """The name by which staff know a practice."""
    practice = places.practice(code)
    return practice.display_name if practice else code


def which_meeting(meeting: MeetingShown, attended_before: bool) -> str:
    """The kind of a meeting: first, moved first, or follow-up."""
    if attended_before:
        return "Follow-up appointment"
    return "First appointment" if meeting.sequence == 0 else "First appointment, moved"
