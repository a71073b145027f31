"""Meanings of the properties of bodies and answers, by its name, where its model says no more."""

from collections.abc import Mapping
from typing import Any, Final

PROPERTIES: Final[Mapping[str, str]] = {
    "actions": "What the person or the link worker does for the goal.",
    "asks_email": "The address at which the service is asked; null if none may be written to.",
    "by": "The person or part that cancelled.",
    "closes": "The end of the hours, in London time.",
    "email": "Address at work.",
    "entry": "The whole entry.",
    "expected_by": "The day by which a meeting or a contact is expected; null if a meeting stands.",
    "fields": "The fields that are needed, and no more.",
    "first_free": "The first day with a free time; null for none within the weeks asked for.",
    "goals": "The goals of the plan.",
    "home_visits": "True if they meet people at home.",
    "hours": "Weekly hours.",
    "id": "The id, as events name it.",
    "key": "The owner's own name for the time.",
    "kind": "The kind of text.",
    "languages": "ISO 639 codes of the languages that they speak.",
    "leave": "Days away, past ones among them.",
    "link_worker": "The link worker.",
    "link_workers": "The link workers.",
    "locality": "The locality's slug.",
    "meeting": "The meeting that stands; null for none.",
    "meeting_id": "The meeting.",
    "minutes": "The length of the meeting.",
    "missing": "Status by referral: 404 never here, 410 erased.",
    "mode": "How they meet.",
    "name": "The name.",
    "need": "The need that it serves.",
    "note_id": "The note, as events name it.",
    "notes": "Notes of the referral.",
    "on_behalf_of": "The subject of the user's token; never a name.",
    "open": "True if the session is open.",
    "opens": "The start of the hours, in London time.",
    "options": "Suitable times, the earliest first.",
    "people": "Fields by referral.",
    "place": "The place in words for a visitor; null if there is none.",
    "plans": "Plans by referral.",
    "practice": "ODS code of the practice whose room it is.",
    "practices": "The practices, by ODS code.",
    "provisional": "True until the person has agreed to the time.",
    "purpose": "What the person's data are for.",
    "referral": "The referral.",
    "referral_id": "The referral.",
    "referrals": "The referrals asked about.",
    "sequence": "Counts the bookings of a referral, from 0.",
    "service": "The community service.",
    "services": "The services of the plan.",
    "since": "The day since which the status holds.",
    "status": "How far the person got with the service.",
    "telephone": "The number at work, in E.164.",
    "text": "The text, which the vault encrypts.",
    "url": "The link. Whoever has it answers for the service.",
    "waiting": "The reason why no meeting stands; null if one does.",
    "weeks": "The weeks, the first one first.",
    "why": "The reason.",
    "words": "The note in the vault with the person's own words; null for none.",
}


def described(schema: Any) -> Any:
    """The schema with a description at each property that had none."""
    if isinstance(schema, list):
        return [described(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: described(value) for name, value in schema.items()}
    if isinstance(properties := schema.get("properties"), dict):
        made["properties"] = {
            name: {"description": PROPERTIES[name], **described(value)}
            if name in PROPERTIES
            else described(value)
            for name, value in properties.items()
        }
    return made
