"""The bodies of ReferralCreated and MeetingBooked, and what every event's body has in common.

A field is a code, a number, a date or an opaque reference: nothing here can hold a name, a contact or
somebody's own words (`tests/unit/events/test_no_identity.py` walks these models to keep it so).
"""

from datetime import UTC, date, datetime
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from shared.contract.events import vocabulary as v

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

# An opaque reference: a lower-case UUID that tells nothing of what it names.
Ref = Annotated[str, StringConstraints(pattern=f"^{_UUID}$")]

LocalitySlug = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,20}(-[a-z]{2,20})?$")]
OdsCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]\d{5}$")]
# A link worker's number within a locality (`lw-meir-1`) or an opaque reference; never a name.
LinkWorkerId = Annotated[
    str,
    StringConstraints(pattern=rf"^(lw-[a-z]{{2,20}}(-[a-z]{{2,20}})?-\d{{1,4}}|{_UUID})$"),
]

OutwardCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,2}\d[A-Z\d]?$")]
# ISO 639 code of a language.
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]

FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
# Moments and days lie between these. At the edge of the calendar, a day more or another zone is no date,
# so code that counts with it would fail.
AFTER: Final = datetime(2200, 1, 1, tzinfo=UTC)

Moment = Annotated[AwareDatetime, Field(ge=FIRST, lt=AFTER, description="In the years 1900 to 2199.")]
Day = Annotated[date, Field(ge=FIRST.date(), lt=AFTER.date(), description="In the years 1900 to 2199.")]
Rating = Annotated[int, Field(ge=1, le=10)]


class EventBody(BaseModel):
    """Fields of every event. A reader ignores fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    referral_id: Ref
    locality: LocalitySlug


class ReferralAgreement(BaseModel):
    """Agreement of the person to be referred: who said so, how and when."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    by: v.AgreedBy
    how: v.AgreedHow
    at: Moment


class ReferralCreated(EventBody):
    """Someone needs help with these things, at this practice, in this locality."""

    practice: OdsCode
    person_ref: Ref
    route: v.Route
    age_band: v.AgeBand
    needs: Annotated[tuple[v.Need, ...], Field(min_length=1, max_length=14)]
    agreement: ReferralAgreement
    risk: v.Risk
    contact: v.SafeToText
    urgency: v.Urgency = v.Urgency.ROUTINE
    # The first half of the postcode; None where there is no fixed address.
    outward_code: OutwardCode | None = None
    # Index of Multiple Deprivation 2025, 1 the most deprived tenth.
    deprivation_decile: Annotated[int, Field(ge=1, le=10)] | None = None
    language: LanguageCode = "en"
    interpreter: bool = False
    access_needs: tuple[v.AccessNeed, ...] = ()
    cannot_come: tuple[v.HalfDay, ...] = ()
    # The note in the vault that holds the referrer's reason.
    reason_note: Ref | None = None
    risk_note: Ref | None = None
    # The referral of the same person that was sent back, and that this one answers and sends again.
    resends: Ref | None = None


class MeetingBooked(EventBody):
    """This link worker meets them then and there."""

    # Of this link worker at this time. One that is moved is another meeting, with an id of its own, that
    # `replaces` it: people are told of each meeting once.
    meeting_id: Ref
    # Counts the rebookings: 0 is the first meeting of a referral.
    sequence: Annotated[int, Field(ge=0, le=1000)]
    # The meeting that this one stands in for.
    replaces: Ref | None = None
    link_worker: LinkWorkerId
    # The place of the meeting: the practice whose room it is.
    practice: OdsCode
    starts_at: Moment
    minutes: Annotated[int, Field(ge=5, le=240)]
    mode: v.MeetingMode = v.MeetingMode.FACE_TO_FACE
    # Chosen without the person's having said yes yet; it stands unless they ask for another.
    provisional: bool = False


__all__ = [
    "AFTER",
    "FIRST",
    "Day",
    "EventBody",
    "LanguageCode",
    "LinkWorkerId",
    "LocalitySlug",
    "MeetingBooked",
    "Moment",
    "OdsCode",
    "OutwardCode",
    "Rating",
    "Ref",
    "ReferralAgreement",
    "ReferralCreated",
]
