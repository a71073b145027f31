"""Refusals: what admission tells a partner of a record that it did not copy. Codes and places, no input."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.events import topics
from shared.contract.events.models import Moment, Ref

SCHEMA: Final = f"{topics.SCHEMAS}org.linkwork.record-refused.v1.json"


class RefusalCode(StrEnum):
    """Reasons to refuse a record."""

    BAD_HEADER = "bad_header"
    NOT_CLOUDEVENTS = "not_cloudevents"
    UNKNOWN_TYPE = "unknown_type"
    EARLIER_VERSION = "earlier_version"
    LATER_VERSION = "later_version"
    BAD_ID = "bad_id"
    WRONG_SOURCE = "wrong_source"
    UNKNOWN_SOURCE = "unknown_source"
    BAD_TIME = "bad_time"
    EMPTY_BODY = "empty_body"
    TOO_LARGE = "too_large"
    BAD_JSON = "bad_json"
    INVALID_BODY = "invalid_body"
    WRONG_LOCALITY = "wrong_locality"
    WRONG_KEY = "wrong_key"
    UNKNOWN_KIND = "unknown_kind"
    NOT_YOURS_TO_SAY = "not_yours_to_say"
    UNKNOWN_PRACTICE = "unknown_practice"
    NOT_YOUR_FACT = "not_your_fact"
    NOT_OWNER = "not_owner"
    NO_HAND_OVER = "no_hand_over"
    WRONG_EPOCH = "wrong_epoch"
    UNREADABLE = "unreadable"


SENTENCES: Final[Mapping[RefusalCode, str]] = {
    RefusalCode.BAD_HEADER: "A CloudEvents header is null, comes twice, is not UTF-8 or not in its form.",
    RefusalCode.NOT_CLOUDEVENTS: "This is no CloudEvents 1.0: it needs specversion and type.",
    RefusalCode.UNKNOWN_TYPE: "Use one of the three types of the contract.",
    RefusalCode.EARLIER_VERSION: "This version of the type is no longer read: use the present one.",
    RefusalCode.LATER_VERSION: "This version of the type is not known yet: use the present one.",
    RefusalCode.BAD_ID: "The id must be a UUID in lower case.",
    RefusalCode.WRONG_SOURCE: "The source must be the one that this inbox belongs to.",
    RefusalCode.UNKNOWN_SOURCE: "This source is not in the programme's table: ask the programme team.",
    RefusalCode.BAD_TIME: "Times are RFC 3339 with a time zone, in the years 1900 to 2199.",
    RefusalCode.EMPTY_BODY: "The record has no body.",
    RefusalCode.TOO_LARGE: "A body has 64 KB at most.",
    RefusalCode.BAD_JSON: "The body is not JSON.",
    RefusalCode.INVALID_BODY: "The body differs from its schema at the place that the pointer names.",
    RefusalCode.WRONG_LOCALITY: "The body's locality must be the one of the source.",
    RefusalCode.WRONG_KEY: "Subject and key must be the body's referral_id.",
    RefusalCode.UNKNOWN_KIND: "Use one of the kinds of the contract.",
    RefusalCode.NOT_YOURS_TO_SAY: "This source may not say this kind of event.",
    RefusalCode.UNKNOWN_PRACTICE: "The practice must be one of the locality's.",
    RefusalCode.NOT_YOUR_FACT: "A source retracts its own facts only.",
    RefusalCode.NOT_OWNER: "The part is not this source's: another owns it, or the inbox has ended.",
    RefusalCode.NO_HAND_OVER: "An inbox ends only while its part is handed over.",
    RefusalCode.WRONG_EPOCH: "The record must name the epoch in which its source owns the part.",
    RefusalCode.UNREADABLE: "The record could not be judged: tell the programme team its place.",
}

Partition = Annotated[int, Field(ge=0, description="The partition of the record, from 0.")]
Offset = Annotated[int, Field(ge=0, description="The offset of the record in its partition, from 0.")]


class LastPlace(BaseModel):
    """The place of the last record of a summary, in the same topic."""

    model_config = ConfigDict(frozen=True)

    partition: Partition
    offset: Offset


class RecordRefused(BaseModel):
    """One record that was refused or, after 60 in a minute, all further ones of the same code."""

    model_config = ConfigDict(frozen=True)

    topic: Annotated[str, Field(description="The inbox that holds the record.")]
    partition: Annotated[
        int, Field(ge=0, description="The partition of the record, or of the first one of a summary.")
    ]
    offset: Annotated[
        int, Field(ge=0, description="The offset of the record, or of the first one of a summary.")
    ]
    code: Annotated[RefusalCode, Field(description="The reason.")]
    detail: Annotated[str, Field(description="The reason in a sentence. It repeats nothing of the input.")]
    pointer: Annotated[
        str,
        Field(
            description="JSON pointer into the event in the CloudEvents JSON format, such as "
            "`/data/needs/0`. It is empty for the whole event and in a summary."
        ),
    ] = ""
    problem: Annotated[
        str | None,
        Field(
            description="For `invalid_body`, the kind of difference from the schema, such as `missing` or "
            "`enum`."
        ),
    ] = None
    id: Annotated[
        Ref | None,
        Field(
            description="The event's id. It is null in a summary, and where the record has none of the right "
            "form."
        ),
    ] = None
    count: Annotated[
        int,
        Field(ge=1, description="1, or in a summary the number of records from the place to that of `last`."),
    ] = 1
    last: Annotated[LastPlace | None, Field(description="In a summary, the place of its last record.")] = None
    at: Annotated[
        Moment,
        Field(
            description="The moment of the judgement: RFC 3339 with a time zone, in the years 1900 to 2199."
        ),
    ]
