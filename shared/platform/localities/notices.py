"""Notices that pages show for a time: to everybody, or to those of some localities."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from shared.contract.events.models import LocalitySlug, Moment
from shared.platform.localities.entries import Entry, LocalitiesError


class Notice(BaseModel):
    """A text with its time. Without localities, every page shows it, also to readers who are signed out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
    begins: Moment
    ends: Moment
    localities: Annotated[tuple[LocalitySlug, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> "Notice":
        if self.begins >= self.ends:
            raise ValueError("a notice ends after it begins")
        return self

    def row(self) -> dict[str, Any]:
        """The notice as the table has it."""
        return self.model_dump(mode="json")

    def shown(self, now: datetime, localities: Collection[str]) -> bool:
        """True if a reader of these localities sees it now."""
        here = not self.localities or any(slug in localities for slug in self.localities)
        return here and self.begins <= now < self.ends


def notices_in(programme: Entry, slugs: Iterable[str]) -> tuple[Notice, ...]:
    """The notices of a programme's entry.

    Raises:
        LocalitiesError: one is incomplete, or names a locality that there is not.
    """
    if not programme.has("notices"):
        return ()
    known, found = set(slugs), []
    for number, row in enumerate(programme.tables("notices"), start=1):
        where = f"{programme.where}, notices number {number}"
        try:
            notice = Notice.model_validate(dict(row))
        except ValidationError as wrong:
            raise LocalitiesError(f"{where}: {wrong.errors()[0]['msg']}.") from None
        if unknown := sorted(set(notice.localities) - known):
            raise LocalitiesError(f"{where}: there is no locality {unknown[0]}.")
        found.append(notice)
    return tuple(found)
