"""Notices: facts of a source that are accepted and have not counted for ten minutes. Codes and places only.

A notice is told once a fact, on the refusals topic of its source. It is no refusal: the fact stands, and
counts as soon as what it lacks is there.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from shared.contract.events.models import Moment, Ref

NAME: Final = "org.linkwork.fact-noticed.v1"
SCHEMA: Final = f"https://linkwork.example.org/schemas/{NAME}.json"
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
    """One fact that has not counted for ten minutes.

    Attributes:
        id: the event's id.
        referral: the event's subject.
        pointer: JSON pointer into the event in the CloudEvents JSON format, to what the fold misses.
        problem: the rule of the fold.
    """

    model_config = ConfigDict(frozen=True)

    code: Literal["does_not_count_yet"] = NOT_YET
    id: Ref
    referral: Ref
    detail: str = DETAIL
    pointer: str
    problem: NotCounted
    at: Moment
