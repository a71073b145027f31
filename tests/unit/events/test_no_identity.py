"""No identity and no free text can get into an event: every field is a code, a number, a date or opaque."""

import re
from collections.abc import Iterator
from datetime import date
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from shared.contract.events.models import MeetingBooked, ReferralCreated
from shared.contract.events.outcomes import KINDS, Outcome

MODELS: list[type[BaseModel]] = [ReferralCreated, MeetingBooked, *Outcome.__subclasses__()]
# What a person could write about a person: every allowed pattern must refuse all of it.
IDENTITIES = [
    "Mary Ellen Smith",
    "mary-smith",
    "Smith",
    "smith",
    "9990000018",
    "999 000 0018",
    "07700 900123",
    "mary@example.org",
    "12 Weston Road",
    "ST3 6AB",
    "1950-03-01",
    "owes money to her brother",
    "",
]
# Places are written in letters as names are; what they may hold is bounded by the topic instead.
PLACES = {"locality", "language"}


def fields(model: type[BaseModel], path: str) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    for name, info in model.model_fields.items():
        yield from leaves(f"{path}.{name}", info.annotation, tuple(info.metadata))


def leaves(path: str, kind: Any, limits: tuple[Any, ...]) -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    origin = get_origin(kind)
    if origin is Annotated:
        inner, *more = get_args(kind)
        extra = [m for item in more for m in (item.metadata if isinstance(item, FieldInfo) else [item])]
        yield from leaves(path, inner, (*limits, *extra))
    elif origin in (Union, UnionType, tuple, dict, list):
        for part in get_args(kind):
            if part is not Ellipsis and part is not NoneType:
                yield from leaves(path, part, limits)
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from fields(kind, path)
    else:
        yield path, kind, limits


ALL = [leaf for model in MODELS for leaf in fields(model, model.__name__)]


def test_the_walk_sees_every_model() -> None:
    assert {path.split(".")[0] for path, _, _ in ALL} == {model.__name__ for model in MODELS}
    assert len(KINDS) == len(MODELS) - 2


@pytest.mark.parametrize(("path", "kind", "limits"), ALL, ids=[path for path, _, _ in ALL])
def test_a_field_can_hold_no_identity(path: str, kind: Any, limits: tuple[Any, ...]) -> None:
    if get_origin(kind) is Literal or kind in (bool, int, date, AwareDatetime):
        return
    if isinstance(kind, type) and issubclass(kind, Enum):
        return
    assert kind is str, f"{path} is a {kind}: say why it can hold no identity"
    patterns = [found for item in limits if (found := getattr(item, "pattern", None))]
    assert patterns, f"{path} is free text"
    for pattern in patterns:
        held = [word for word in IDENTITIES if re.search(pattern, word)]
        if path.rsplit(".", 1)[-1] in PLACES:
            held = [word for word in held if not re.fullmatch(r"[a-z-]+", word)]
        if path.endswith(".scores"):
            held = [word for word in held if not re.fullmatch(r"[a-z]+", word)]  # bounded by the instrument
        assert not held, f"{path} could hold {held}"
