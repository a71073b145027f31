"""Notices: facts of a source that are accepted and have not counted for ten minutes. Codes and places only.

A notice is told once a fact, on the refusals topic of its source. It is no refusal: the fact stands, and
counts as soon as what it lacks is there.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.events.models import Moment, Ref
from shared.contract.events.topics import SCHEMAS

NAME: Final = "org.linkwork.fact-noticed.v1"
SCHEMA: Final = f"{SCHEMAS}{NAME}.json"
NOT_YET: Final = "does_not_count_yet"
DETAIL: Final = "The fact is accepted and does not count: the reason is in `problem`."


class NotCounted(StrEnum):
    """Reasons why a fact does not count, or not yet: rules of the fold."""

    REFERRAL_NOT_CREATED = "referral_not_created"
    ANOTHER_CREATION_STANDS = "another_creation_stands"
    SEQUENCE_LEFT_OUT = "sequence_left_out"
    MEETING_DOES_NOT_COUNT = "meeting_does_not_count"
    NOT_YOUR_REFERRAL = "not_your_referral"
    FACT_NOT_SAID = "fact_not_said"
    NOT_YOUR_FACT = "not_your_fact"
    ANOTHER_BODY = "another_body"


# Places in the event in the CloudEvents JSON format.
POINTERS: Final[Mapping[NotCounted, str]] = {
    NotCounted.REFERRAL_NOT_CREATED: "/data/referral_id",
    NotCounted.ANOTHER_CREATION_STANDS: "/data/referral_id",
    NotCounted.SEQUENCE_LEFT_OUT: "/data/sequence",
    NotCounted.MEETING_DOES_NOT_COUNT: "/data/meeting_id",
    NotCounted.NOT_YOUR_REFERRAL: "/data/kind",
    NotCounted.FACT_NOT_SAID: "/data/event_id",
    NotCounted.NOT_YOUR_FACT: "/data/event_source",
    NotCounted.ANOTHER_BODY: "/id",
}


class FactNoticed(BaseModel):
    """One fact that has not counted for ten minutes."""

    model_config = ConfigDict(frozen=True)

    code: Annotated[Literal["does_not_count_yet"], Field(description="Always `does_not_count_yet`.")] = (
        NOT_YET
    )
    id: Annotated[Ref, Field(description="The event's `ce_id`.")]
    referral: Annotated[Ref, Field(description="The event's `ce_subject`.")]
    detail: Annotated[str, Field(description="The same in a sentence.")] = DETAIL
    pointer: Annotated[
        str,
        Field(
            description="JSON pointer into the event in the CloudEvents JSON format, to what the fold misses."
        ),
    ]
    problem: Annotated[NotCounted, Field(description="The rule of the fold by which it does not count.")]
    at: Annotated[
        Moment,
        Field(description="The moment of the notice: RFC 3339 with a time zone, in the years 1900 to 2199."),
    ]
