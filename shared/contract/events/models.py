"""The bodies of ReferralCreated and MeetingBooked, and what every event's body has in common.

A field is a code, a number, a date or an opaque reference: nothing here can hold a name, a contact or
somebody's own words (`tests/unit/events/test_no_identity.py` walks these models to keep it so).
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.events import vocabulary as v
from shared.contract.events.fields import (
    AFTER,
    FIRST,
    AnyNeed,
    Count,
    Day,
    EventMoment,
    EventRating,
    LanguageCode,
    LinkWorkerId,
    LocalitySlug,
    Minutes,
    Moment,
    OdsCode,
    OutwardCode,
    Rating,
    Ref,
    YesOrNo,
)

MeetingId = Annotated[
    Ref, Field(description="The meeting. The source of its `meeting-booked` event issues the id.")
]


class EventBody(BaseModel):
    """Fields of every event. A reader ignores fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    referral_id: Annotated[
        Ref,
        Field(
            description="The referral, also the record's key and its `ce_subject`. "
            "The source that creates the referral issues the id, a random or time-ordered UUID."
        ),
    ]
    locality: Annotated[
        LocalitySlug,
        Field(
            description="The locality, as the programme's table names it: the first word of the topic and "
            "of `ce_source`."
        ),
    ]

    def to_json(self) -> bytes:
        """The body as it is published: what has no value is left out."""
        return self.model_dump_json(exclude_none=True).encode()


class ReferralAgreement(BaseModel):
    """Agreement of the person to be referred: who said so, how and when."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    by: Annotated[v.AgreedBy, Field(description="The one who agreed: the person, or someone for them.")]
    how: Annotated[v.AgreedHow, Field(description="How the agreement was given.")]
    at: Annotated[
        EventMoment,
        Field(
            description="The moment when they agreed: RFC 3339 with a time zone, in the years 1900 to 2199."
        ),
    ]


class ReferralCreated(EventBody):
    """Someone needs help with these things, at this practice, in this locality."""

    practice: Annotated[
        OdsCode, Field(description="The person's GP practice, by its ODS code. It is one of the locality's.")
    ]
    person_ref: Annotated[
        Ref,
        Field(
            description="The person in the vault of the source that creates the referral, which issues this "
            "random UUID. It is never derived from an NHS number."
        ),
    ]
    route: Annotated[
        v.Route,
        Field(description="How the person came to the programme: the practice, the hub, or another way."),
    ]
    age_band: Annotated[v.AgeBand, Field(description="The person's age in years on the day of the referral.")]
    needs: Annotated[
        tuple[AnyNeed, ...],
        Field(min_length=1, max_length=14, description="The needs for help, from 1 to 14."),
    ]
    agreement: Annotated[
        ReferralAgreement, Field(description="The person's agreement to be referred. Without one, no event.")
    ]
    risk: Annotated[
        v.Risk,
        Field(description="Whether the referrer knows of a risk to those who meet the person."),
    ]
    contact: Annotated[
        v.SafeToText,
        Field(description="Whether messages to the person are safe. Without a yes, none is sent."),
    ]
    urgency: Annotated[
        v.Urgency, Field(description="How soon the person is to be met. Left out, it is routine.")
    ] = v.Urgency.ROUTINE
    outward_code: Annotated[
        OutwardCode | None,
        Field(
            description="The first half of the person's postcode, such as `ST3`. It is left out where they "
            "have no fixed address."
        ),
    ] = None
    deprivation_decile: Annotated[
        EventRating | None,
        Field(
            description="The decile of the Index of Multiple Deprivation 2025 of the person's address: "
            "1 is the most deprived tenth, 10 the least. Left out, it is not known."
        ),
    ] = None
    language: Annotated[
        LanguageCode,
        Field(description="The language to speak with the person, by its ISO 639 code. Left out: `en`."),
    ] = "en"
    interpreter: Annotated[
        YesOrNo, Field(description="True if the person needs an interpreter. Left out, it is false.")
    ] = False
    access_needs: Annotated[
        tuple[v.AccessNeed, ...], Field(description="What the person needs to be able to take part.")
    ] = ()
    cannot_come: Annotated[
        tuple[v.HalfDay, ...], Field(description="Half days of the week on which the person cannot come.")
    ] = ()
    reason_note: Annotated[
        Ref | None,
        Field(
            description="The note with the referrer's reason, in the vault of the source that creates the "
            "referral. The vault issues the id."
        ),
    ] = None
    risk_note: Annotated[
        Ref | None,
        Field(description="The note on the risk, in the same vault. `risk` is then `see_note`."),
    ] = None
    resends: Annotated[
        Ref | None,
        Field(
            description="The earlier referral of the same person that was returned to the practice, and "
            "that this one sends again."
        ),
    ] = None


class MeetingBooked(EventBody):
    """This link worker meets them then and there."""

    # Of this link worker at this time. One that is moved is another meeting, with an id of its own, that
    # `replaces` it: people are told of each meeting once.
    meeting_id: Annotated[
        Ref,
        Field(
            description="This link worker at this time. The source that books issues the id. A meeting that "
            "is moved gets a new id."
        ),
    ]
    sequence: Annotated[
        Count,
        Field(
            description="The number of rebookings before: 0 is the first meeting of a referral. Sequence n "
            "counts once n-1 was said by any source."
        ),
    ]
    replaces: Annotated[
        Ref | None, Field(description="The meeting that this one stands in for, by its `meeting_id`.")
    ] = None
    link_worker: Annotated[
        LinkWorkerId,
        Field(
            description="The link worker who meets the person. The owner of the part casework issues the id: "
            "`lw-<locality>-<number>` or a UUID, never a name."
        ),
    ]
    practice: Annotated[
        OdsCode, Field(description="The practice whose room is the place of the meeting, by its ODS code.")
    ]
    starts_at: Annotated[
        EventMoment,
        Field(description="The start: RFC 3339 with a time zone, in the years 1900 to 2199."),
    ]
    minutes: Annotated[Minutes, Field(description="The length in minutes, from 5 to 240.")]
    mode: Annotated[
        v.MeetingMode, Field(description="The way in which they meet. Left out, it is face to face.")
    ] = v.MeetingMode.FACE_TO_FACE
    provisional: Annotated[
        YesOrNo,
        Field(
            description="True if the person has not said yes to this time. The meeting stands unless they "
            "ask for another. Left out, it is false."
        ),
    ] = False


__all__ = [
    "AFTER",
    "FIRST",
    "Day",
    "EventBody",
    "LanguageCode",
    "LinkWorkerId",
    "LocalitySlug",
    "MeetingBooked",
    "MeetingId",
    "Moment",
    "OdsCode",
    "OutwardCode",
    "Rating",
    "Ref",
    "ReferralAgreement",
    "ReferralCreated",
]
