"""Values in events: what a text, a number, a day or a code must look like.

A body is read in one of three ways: EXACTLY, as admission does, which knows no other codes than those of the
contract; OPENLY, with codes of a later version; LOOSELY, as bodies were read before the JSON types were
checked. Python code may give a value in any form that pydantic takes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema

from shared.contract.events import vocabulary as v

FIRST: Final = datetime(1900, 1, 1, tzinfo=UTC)
# Moments and days lie between these. At the edge of the calendar, a day more or another zone is no date,
# so code that counts with it would fail.
AFTER: Final = datetime(2200, 1, 1, tzinfo=UTC)

UUID_FORM: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_SLUG: Final = r"[a-z]{2,20}(-[a-z]{2,20})?"
_THIRTY: Final = r"(0[1-9]|[12][0-9]|30)"
# Every day of the years 1900 to 2199, and no other: neither 1900 nor 2100 has a 29 February.
_DAY: Final = (
    r"((19|20|21)[0-9]{2}-"
    rf"((0[13578]|1[02])-({_THIRTY}|31)|(0[469]|11)-{_THIRTY}|02-(0[1-9]|1[0-9]|2[0-8]))"
    r"|((19|21)(0[48]|[2468][048]|[13579][26])|20([02468][048]|[13579][26]))-02-29)"
)
_HOUR: Final = r"([01][0-9]|2[0-3])"
DAY_FORM: Final = f"^{_DAY}$"
# In another zone, the first moment in UTC is of the day before, and the last one of the day after.
_DAY_OF_MOMENT: Final = rf"({_DAY}|1899-12-31|2200-01-01)"
# RFC 3339 in capitals, with a time zone, and no leap second.
MOMENT_FORM: Final = (
    rf"^{_DAY_OF_MOMENT}T{_HOUR}:[0-5][0-9]:[0-5][0-9](\.[0-9]{{1,9}})?(Z|[+-]{_HOUR}:[0-5][0-9])$"
)
# A code that no list of this version has. A word of a person's own is none.
CODE_FORM: Final = r"^[a-z][a-z0-9_]{0,39}$"
SOURCE_FORM: Final = rf"^/{_SLUG}/[a-z]{{2,30}}(-[a-z]{{2,30}})?$"
JSON_FORM: Final = r"^application/json(; ?charset=[Uu][Tt][Ff]-8)?$"
OPAQUE_FORM: Final = r"^[0-9A-Za-z-]{1,64}$"

# The ways of reading, as pydantic's argument `strict`. EXACTLY is the fast one, and suits nearly every body.
EXACTLY: Final = None
OPENLY: Final = True
LOOSELY: Final = False

# In a core schema, marks the values whose form is that of events alone.
EVENT_FORM: Final = "linkwork_event_form"


class _Form:
    """Base of the marks on a type. The JSON Schema of the type is what it is without the mark."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        plain: Any = schema
        return handler(plain["python_schema"])


def _in_json(read: CoreSchema, plain: CoreSchema) -> CoreSchema:
    return core_schema.json_or_python_schema(read, plain, metadata={EVENT_FORM: True})


@dataclass(frozen=True)
class JsonType(_Form):
    """In JSON the value has its own type: `"3"` is no number, and `"true"` is neither true nor false."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        plain = handler(source)
        exact: Any = {**plain, "strict": True}
        return _in_json(exact, plain)


@dataclass(frozen=True)
class TextForm(_Form):
    """In JSON a day or a moment is a text of this form. `parse` reads such a text."""

    pattern: str
    parse: Callable[[str], date]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        plain = handler(source)
        text = core_schema.str_schema(pattern=self.pattern)
        # Under `strict`, pydantic takes no text after the first step of a chain.
        parsed = core_schema.no_info_plain_validator_function(self.parse)
        formed = core_schema.lax_or_strict_schema(
            core_schema.chain_schema([text, plain]),
            core_schema.chain_schema([text, parsed, plain]),
            strict=False,
        )
        return _in_json(core_schema.lax_or_strict_schema(plain, formed, strict=True), plain)


@dataclass(frozen=True)
class OpenCode(_Form):
    """In JSON a code of a later version is read as `other`, if the body is read OPENLY."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        plain, other = handler(source), source("other")
        later = core_schema.chain_schema(
            [
                core_schema.str_schema(pattern=CODE_FORM),
                core_schema.no_info_plain_validator_function(lambda _: other),
            ]
        )
        either = core_schema.union_schema(
            [plain, later],
            mode="left_to_right",
            custom_error_type="enum",
            custom_error_context={"expected": "a code"},
        )
        return _in_json(core_schema.lax_or_strict_schema(plain, either, strict=False), plain)


def is_open(codes: type[StrEnum]) -> bool:
    """True if a later version may add codes to a list: those lists have the code `other`."""
    return "other" in set(codes)


# An opaque reference: a lower-case UUID that tells nothing of what it names.
Ref = Annotated[str, StringConstraints(pattern=f"^{UUID_FORM}$")]
LocalitySlug = Annotated[str, StringConstraints(pattern=f"^{_SLUG}$")]
OdsCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{5}$")]
# A link worker's number within a locality (`lw-meir-1`) or an opaque reference; never a name.
LinkWorkerId = Annotated[str, StringConstraints(pattern=rf"^(lw-{_SLUG}-[0-9]{{1,4}}|{UUID_FORM})$")]
OutwardCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{1,2}[0-9][A-Z0-9]?$")]
# ISO 639 code of a language.
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
# The source of an event: `/<locality>/<part>`, as in the CloudEvents attribute `source`.
SourceRef = Annotated[str, Field(pattern=SOURCE_FORM)]
Moment = Annotated[AwareDatetime, Field(ge=FIRST, lt=AFTER, description="In the years 1900 to 2199.")]
Day = Annotated[date, Field(ge=FIRST.date(), lt=AFTER.date(), description="In the years 1900 to 2199.")]
Rating = Annotated[int, Field(ge=1, le=10)]

# The same as they stand in events.
EventMoment = Annotated[Moment, TextForm(MOMENT_FORM, datetime.fromisoformat)]
EventDay = Annotated[Day, TextForm(DAY_FORM, date.fromisoformat)]
EventRating = Annotated[Rating, JsonType()]
YesOrNo = Annotated[bool, JsonType()]
Count = Annotated[int, Field(ge=0, le=1000), JsonType()]
Revision = Annotated[int, Field(ge=1, le=1000), JsonType()]
Minutes = Annotated[int, Field(ge=5, le=240), JsonType()]
Weeks = Annotated[int, Field(ge=1, le=104), JsonType()]
Score = Annotated[int, Field(ge=0, le=10), JsonType()]

# Lists to which a later version may add codes.
AnyNeed = Annotated[v.Need, OpenCode()]
AnyCancelReason = Annotated[v.CancelReason, OpenCode()]
AnyActionCode = Annotated[v.ActionCode, OpenCode()]
AnyNotSuitableReason = Annotated[v.NotSuitableReason, OpenCode()]
AnyEndReason = Annotated[v.EndReason, OpenCode()]
AnyDeclineReason = Annotated[v.DeclineReason, OpenCode()]
AnyWithdrawReason = Annotated[v.WithdrawReason, OpenCode()]
AnyCloseReason = Annotated[v.CloseReason, OpenCode()]
