"""Reading of bodies from their JSON. Never raises: an unreadable body comes back as `Refused` with a code."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.contract.events.fields import EXACTLY, LOOSELY, OPENLY
from shared.contract.events.inbox_end import InboxEnd
from shared.contract.events.marker import PartHandedOver
from shared.contract.events.models import EventBody, MeetingBooked, ReferralCreated
from shared.contract.events.outcomes import KINDS, OUTCOME, ProviderReplied
from shared.contract.events.topics import EventName
from shared.contract.events.vocabulary import Reply

# A body has no free text: a larger one is not an event of ours.
MAX_BODY_BYTES: Final = 64 * 1024
# A fact that was recorded earlier is read as it was then, when `"3"` was taken for 3 and `t` for `T`. What
# stands in a topic has been said.
STRICT_SINCE: Final = datetime(2026, 11, 30, tzinfo=UTC)

# A letter names no more of them: the first ones tell whoever publishes where to look.
_MOST_PROBLEMS: Final = 5


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a record is not an event: codes for the dead letter, never a word of the input."""

    reason: str
    # Fields of the body that differ from its schema, each with a code: `meeting_id missing, needs.1 enum`.
    error: str = ""


@dataclass(frozen=True, slots=True)
class UnknownOutcome:
    """An OutcomeRecorded of a kind that this version does not know: kept raw, folded by a later version."""

    referral_id: str
    locality: str
    kind: str = "unknown"


Body = EventBody | UnknownOutcome
M = TypeVar("M", bound=BaseModel)


# The validators themselves: pydantic's methods around them take a twentieth of the time of a record.
_VALIDATORS: Final[Mapping[EventName, Callable[..., EventBody]]] = {
    "referral-created": TypeAdapter(ReferralCreated).validator.validate_json,
    "meeting-booked": TypeAdapter(MeetingBooked).validator.validate_json,
    "outcome-recorded": OUTCOME.validator.validate_json,
}


class _OfAnyKind(EventBody):
    """The body of an outcome of a kind that a later version adds."""

    kind: str


def read_body(
    event: EventName, value: bytes | None, recorded: datetime | None = None, *, admits: bool = False
) -> Body | Refused:
    """The body of an event from its JSON; an outcome of an unknown kind comes back as `UnknownOutcome`.

    `recorded`: of a fact that stands in a topic, where a former version may have put it. `admits`: by the
    schema of what may be published, without fields and codes that this version does not know.
    """
    if not value:
        return Refused("empty_body")
    if len(value) > MAX_BODY_BYTES:
        return Refused("too_large")
    if admits:
        return _admitted(_parsed(event, value, EXACTLY, "forbid"))
    body = _parsed(event, value, EXACTLY)
    if isinstance(body, Refused) and " enum" in body.error:
        body = _parsed(event, value, OPENLY)
    if isinstance(body, Refused) and recorded is not None and recorded < STRICT_SINCE:
        body = _parsed(event, value, LOOSELY)
    return body


def read_marker(value: bytes | None) -> PartHandedOver | Refused:
    """The body of a marker from its JSON."""
    return _read_of(PartHandedOver, value)


def read_inbox_end(value: bytes | None) -> InboxEnd | Refused:
    """The body of an inbox's end from its JSON, by the schema of what may be published."""
    return _read_of(InboxEnd, value, EXACTLY, "forbid")


def _read_of(
    model: type[M], value: bytes | None, strict: bool | None = None, extra: Literal["forbid"] | None = None
) -> M | Refused:
    if not value or len(value) > MAX_BODY_BYTES:
        return Refused("too_large" if value else "empty_body")
    try:
        return model.model_validate_json(value, strict=strict, extra=extra)
    except ValidationError as error:
        problems = _problems(error)
    bad_json = any(kind == "json_invalid" for _, kind in problems)
    return Refused("bad_json") if bad_json else _invalid(problems)


def _parsed(
    event: EventName, value: bytes, strict: bool | None, extra: Literal["forbid"] | None = None
) -> Body | Refused:
    """The body, read in one of the three ways of `fields.py`."""
    try:
        return _VALIDATORS[event](value, strict=strict, extra=extra)
    except ValidationError as error:
        problems = _problems(error)
    kinds = {kind for _, kind in problems}
    if "json_invalid" in kinds:
        return Refused("bad_json")
    if "union_tag_invalid" in kinds:
        return _unknown_outcome(value, EventBody if strict is LOOSELY else _OfAnyKind)
    return _invalid(problems)


def _unknown_outcome(value: bytes, model: type[EventBody]) -> UnknownOutcome | Refused:
    try:
        named = model.model_validate_json(value)
    except ValidationError as error:
        return _invalid(_problems(error))
    return UnknownOutcome(named.referral_id, named.locality)


def _admitted(body: Body | Refused) -> Body | Refused:
    """The same, unless it says less than the schema of what may be published asks."""
    if isinstance(body, ProviderReplied) and body.reply is Reply.WAITING_LIST:
        return body if "weeks" in body.model_fields_set else _invalid([(f"{body.kind}.weeks", "missing")])
    return body


def _problems(error: ValidationError) -> list[tuple[str, str]]:
    """Field and code of each problem. Its message, its input and its place may quote what must not be kept.

    A name in the place that is none of ours is a key of the input.
    """
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return [(".".join(_named(part) for part in one["loc"]), one["type"]) for one in found]


def _named(part: int | str) -> str:
    return str(part) if isinstance(part, int) or part in _names() else "?"


@cache
def _names() -> frozenset[str]:
    """Every field of a body, and every kind of outcome: what the place of a problem may be called."""
    names = set(KINDS)
    schemas: list[Any] = [model.model_json_schema() for model in (ReferralCreated, MeetingBooked)]
    schemas += [PartHandedOver.model_json_schema(), InboxEnd.model_json_schema(), OUTCOME.json_schema()]
    while schemas:
        schema = schemas.pop()
        if isinstance(schema, dict):
            names |= schema.get("properties", {}).keys()
            schemas += schema.values()
        elif isinstance(schema, list):
            schemas += schema
    return frozenset(names)


def _invalid(problems: Iterable[tuple[str, str]]) -> Refused:
    named = [f"{field} {code}".strip() for field, code in islice(problems, _MOST_PROBLEMS)]
    return Refused("invalid_body", ", ".join(named))
