"""Rooms of sites, with the number of meetings that each takes at the same time."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.matching.roster.link_workers import Line, RoomId
from shared.contract.events.models import LocalitySlug

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=58)]


class Room(BaseModel):
    """A room of a site. `capacity`: meetings at the same time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: RoomId
    locality: LocalitySlug
    site: Name
    name: Name
    capacity: Annotated[int, Field(ge=1, le=20)] = 1
    # A room that is closed stays in the hours that name it; nothing new is entered for it.
    active: bool = True

    @property
    def place(self) -> Line:
        """The room in words for a visitor, such as Meir Primary Care Centre, room 4."""
        return f"{self.site}, {self.name}"
