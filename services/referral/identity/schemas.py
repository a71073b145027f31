"""Bodies of the identity API: contacts for staff, claims and notes for services."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.api import referral as contract
from shared.contract.events import vocabulary as v
from shared.platform.web.bodies import JsonBody


class ClaimRequest(contract.ClaimRequest, JsonBody):
    """Fields of the people behind these referrals, for a purpose."""


class NewNote(contract.NewNote, JsonBody):
    """Free text about a person, for the vault."""


class NotesRequest(contract.NotesRequest, JsonBody):
    """Notes of one referral, for a purpose."""


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
