"""Bodies of the identity API: contacts for staff, claims and notes for services."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.referral.identity.vault.entries import NoteKind
from shared.contract.events import vocabulary as v
from shared.contract.events.models import Ref
from shared.platform.web.bodies import JsonBody

Claim = Literal[
    "name", "given_name", "family_name", "date_of_birth", "telephone", "email", "address", "postcode",
    "safe_to_text", "language", "interpreter", "reason", "risk", "sensitive_needs",
]  # fmt: skip
Purpose = Literal["caseload", "meeting", "message", "introduction", "plan", "directory"]
ClaimedFields = dict[str, Any]

Locality = Annotated[str, Field(pattern=r"^[a-z-]{2,41}$")]
# The subject in the token of the user for whom a service asks.
Subject = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,120}$")]


class ClaimRequest(JsonBody):
    """Fields of the people behind these referrals, for a purpose."""

    locality: Locality
    referrals: Annotated[list[Ref], Field(min_length=1, max_length=200)]
    fields: Annotated[list[Claim], Field(min_length=1)]
    purpose: Purpose
    on_behalf_of: Subject | None = None


class Claims(BaseModel):
    """Fields by referral; a field that is not known is left out. `missing`: 404 never here, 410 erased."""

    people: dict[str, ClaimedFields]
    missing: dict[str, Literal[404, 410]]


class NewNote(JsonBody):
    """Free text about a person, for the vault."""

    locality: Locality
    kind: NoteKind
    text: Annotated[str, Field(min_length=1, max_length=5000)]


class NoteKept(BaseModel):
    """The id of a stored note, which an event may carry."""

    note_id: str


class NotesRequest(JsonBody):
    """Notes of one referral, for a purpose."""

    locality: Locality
    referral: Ref
    notes: Annotated[list[Ref], Field(min_length=1, max_length=200)]
    purpose: Purpose = "meeting"
    on_behalf_of: Subject | None = None


class Notes(BaseModel):
    """Texts by note id. A note of another referral is left out."""

    notes: dict[str, str]


class ContactChange(JsonBody):
    """A person's new telephone number and whether messages to it are safe.

    `safe_to_text: ring` reports the number as not safe: it is never texted about this person again.
    `old_number_unsafe` reports the previous number.
    """

    model_config = ConfigDict(extra="forbid")

    telephone: Annotated[str, Field(max_length=200)] | None = None
    safe_to_text: v.SafeToText
    old_number_unsafe: bool = False


class EarlierAnswer(BaseModel):
    """A replaced value. `by` is the subject who gave it at `at`, if known; it stood until `until`."""

    field: str
    value: str | None
    by: str | None
    at: datetime | None
    until: datetime


class ContactAnswer(BaseModel):
    """The person's telephone in E.164, whether messages are safe, and replaced values, latest first."""

    telephone: str | None
    safe_to_text: v.SafeToText
    earlier: list[EarlierAnswer]
