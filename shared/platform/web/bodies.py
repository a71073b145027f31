"""JSON bodies and dates that a caller sends: the types that the schema says, and no others."""

import contextlib
import re
from collections.abc import Callable
from datetime import date, datetime, time
from functools import cache
from typing import Annotated, Any, Final, LiteralString, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    model_validator,
)
from pydantic_core import PydanticCustomError, PydanticSerializationError, SchemaValidator, to_json

from shared.contract.events.fields import EVENT_FORM, Day, Moment

Reader = Callable[[Any], Any]
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[0-9:.,Zz+-]*", re.ASCII)
_TIME: Final = re.compile(r"\d\d:\d\d[0-9:.]*", re.ASCII)


def _reader(shape: re.Pattern[str], read: Callable[[str], date | time], code: LiteralString) -> Reader:
    """Reads a text of this shape. Pydantic would also take a number as seconds since 1970."""

    def reader(given: Any) -> Any:
        if isinstance(given, date | time):
            return given
        if isinstance(given, str) and shape.fullmatch(given):
            with contextlib.suppress(ValueError):
                return read(given.upper())
        raise PydanticCustomError(code, "not of this shape")

    return reader


_READERS: Final[dict[str, Reader]] = {
    "date": _reader(_DAY, date.fromisoformat, "date_parsing"),
    "datetime": _reader(_MOMENT, datetime.fromisoformat, "datetime_parsing"),
    "time": _reader(_TIME, time.fromisoformat, "time_parsing"),
}

# A day that a caller sends, in a body or a parameter: ISO 8601, in the years 1900 to 2199.
DaySent = Annotated[Day, BeforeValidator(_READERS["date"], json_schema_input_type=date)]
# A moment that a caller sends: ISO 8601 with a time zone, in the years 1900 to 2199.
MomentSent = Annotated[Moment, BeforeValidator(_READERS["datetime"], json_schema_input_type=datetime)]


STRICTLY: Final = "_strictly"


class JsonBody(BaseModel):
    """Base of everything that an API takes in a body. It is judged as JSON, strictly, whatever it holds.

    FastAPI hands over what `json.loads` made; there, pydantic would take 0 for a date, 1 and "yes" for true
    and true for a number. Annotate days and moments `Day` and `Moment`, without a validator before them.
    """

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="wrap")
    @classmethod
    def _strictly(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(given, dict):
            return handler(given)
        try:
            sent = to_json(given)
        except (PydanticSerializationError, RecursionError):
            raise PydanticCustomError("json_invalid", "not JSON") from None
        made: Self = _strict_validator(cls).validate_json(sent, strict=True)
        return made


@cache
def _strict_validator(body: type[JsonBody]) -> SchemaValidator:
    """The model's validator without `_strictly`: behind a function, pydantic-core sees no JSON any more."""
    return SchemaValidator(_unwrapped(body.__pydantic_core_schema__), _use_prebuilt=False)


def _unwrapped(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_unwrapped(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "function-wrap":
        function = schema["function"]["function"]
        if getattr(function, "__name__", "") == STRICTLY:
            inside = _unwrapped(schema["schema"])
            return inside | ({"ref": schema["ref"]} if "ref" in schema else {})
    if EVENT_FORM in schema.get("metadata", ()):
        return _unwrapped(schema["python_schema"])  # An API reads a day as it reads every other day.
    inside = {name: _unwrapped(value) for name, value in schema.items()}
    if (reader := _READERS.get(str(schema.get("type")))) is not None:
        before = {"type": "no-info", "function": reader}
        return {"type": "function-before", "function": before, "schema": inside}
    return inside
