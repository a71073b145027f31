"""Bodies that several features share."""

import dataclasses
from typing import Annotated, Any, ClassVar, Final, Protocol, TypeVar

from pydantic import Field

from shared.contract.events.outcomes import NextStep
from shared.platform.web.bodies import JsonBody

Words = Annotated[str, Field(max_length=5000)]
# Link worker, start, and the kind of meeting if one was chosen.
SlotKey = Annotated[
    str, Field(pattern=r"^[a-z0-9-]{1,60}\|(19|2[01])\d\d-\d\d-\d\dT\d\d:\d\dZ(\|[a-z_]{4,12})?$")
]
STEP_EXAMPLE: Final = {"code": "wait_for_service", "on": "2026-12-01"}


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]


T = TypeVar("T", bound=_Dataclass)


class Body(JsonBody):
    """Base of every body of the API."""

    def to(self, kind: type[T]) -> T:
        """The input of a command, a dataclass, from the values of the same names."""
        return kind(**{each.name: getattr(self, each.name) for each in dataclasses.fields(kind)})


class WithStep(Body):
    """An action that may set the next step. Without one, the step that follows from the case holds."""

    next_step: NextStep | None = Field(None, examples=[STEP_EXAMPLE])
