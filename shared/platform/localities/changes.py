"""Changes of the table that an administrator may ask for: pure functions from a document to a document.

A change says nothing of sources, ranks, owners and of who may say what: those are the operator's.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from shared.contract.events.models import Day, LocalitySlug, OdsCode
from shared.platform.localities.document import Document
from shared.platform.localities.entries import LocalitiesError
from shared.platform.localities.notices import Notice
from shared.platform.localities.rules import ProgrammeRules

_Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_Postcode = Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, max_length=8)]
_NAMED: Final = "practices"


class PostcodeNeeded(LocalitiesError):
    """A practice that the register does not have needs a postcode."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Desk(_Value):
    """A contact of an organisation: never a private person."""

    name: _Line
    telephone: _Line
    email: _Line


class PracticeEntry(_Value):
    """A practice of a locality. `postcode` is needed for a practice that the register does not have."""

    ods: OdsCode
    site: _Line
    name: _Line | None = None
    mailbox: _Line | None = None
    postcode: Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, max_length=8)] | None = (
        None
    )

    def row(self) -> dict[str, str]:
        """The entry as the table has it."""
        wanted = {"ods": self.ods, "site": self.site, "name": self.name, "mailbox": self.mailbox}
        return {key: value for key, value in wanted.items() if value}


class AddPractice(_Value):
    """Adds a practice to a locality."""

    kind: Literal["add_practice"] = "add_practice"
    locality: LocalitySlug
    practice: PracticeEntry

    def apply(self, document: Document) -> Document:
        """The document with the practice. Raises LocalitiesError."""
        made = _copy(document)
        entry = _locality(made, self.locality)
        if any(row["ods"] == self.practice.ods for row in entry[_NAMED]):
            raise LocalitiesError(f"{self.practice.ods} is a practice of {entry['name']} already.")
        _register(made, self.practice)
        entry[_NAMED] = [*entry[_NAMED], self.practice.row()]
        return made


class ChangePractice(_Value):
    """Changes site, name and mailbox of a practice."""

    kind: Literal["change_practice"] = "change_practice"
    locality: LocalitySlug
    practice: PracticeEntry

    def apply(self, document: Document) -> Document:
        """The document with the practice changed. Raises LocalitiesError."""
        made = _copy(document)
        entry = _locality(made, self.locality)
        if all(row["ods"] != self.practice.ods for row in entry[_NAMED]):
            raise LocalitiesError(f"{self.practice.ods} is no practice of {entry['name']}.")
        kept = {"postcode"} if entry.get("sandbox") else set()
        entry[_NAMED] = [
            {**{key: row[key] for key in kept & row.keys()}, **self.practice.row()}
            if row["ods"] == self.practice.ods
            else row
            for row in entry[_NAMED]
        ]
        return made


class LocalityEntry(_Value):
    """The words about a locality, and those who answer for it."""

    name: _Line
    place: _Line
    live_from: Day
    data_controller: _Line
    employer: _Line
    privacy_notice: _Line
    minimum_age: Annotated[int, Field(ge=0, le=120)] = 18
    younger_people: Desk
    safeguarding: Desk
    text_sender: _Line | None = None

    def rows(self) -> dict[str, Any]:
        """The fields as the table has them."""
        return self.model_dump(mode="json", exclude_none=True)


class AddLocality(_Value):
    """Sets up a locality with its first practice. Our own sources speak for it, as for every other."""

    kind: Literal["add_locality"] = "add_locality"
    slug: LocalitySlug
    entry: LocalityEntry
    practice: PracticeEntry

    def apply(self, document: Document) -> Document:
        """The document with the locality, before the sandboxes. Raises LocalitiesError."""
        made = _copy(document)
        if any(each["slug"] == self.slug for each in made["locality"]):
            raise LocalitiesError(f"There is a locality {self.slug} already.")
        _register(made, self.practice)
        new = {"slug": self.slug, **self.entry.rows(), _NAMED: [self.practice.row()], "owners": {}}
        real = [each for each in made["locality"] if not each.get("sandbox")]
        made["locality"] = [*real, new, *(each for each in made["locality"] if each.get("sandbox"))]
        return made


class ChangeLocality(_Value):
    """Changes what people are told of a locality, and who answers for it."""

    kind: Literal["change_locality"] = "change_locality"
    slug: LocalitySlug
    entry: LocalityEntry

    def apply(self, document: Document) -> Document:
        """The document with the locality changed. Raises LocalitiesError."""
        made = _copy(document)
        entry = _locality(made, self.slug)
        if self.entry.text_sender is None:
            entry.pop("text_sender", None)
        entry.update(self.entry.rows())
        return made


class SetRules(_Value):
    """Sets the programme's rules."""

    kind: Literal["set_rules"] = "set_rules"
    rules: ProgrammeRules

    def apply(self, document: Document) -> Document:
        """The document with these rules."""
        made = _copy(document)
        made["programme"]["rules"] = self.rules.model_dump(mode="json")
        return made


class SetNotices(_Value):
    """Sets the notices that pages show."""

    kind: Literal["set_notices"] = "set_notices"
    notices: Annotated[tuple[Notice, ...], Field(max_length=20)]

    def apply(self, document: Document) -> Document:
        """The document with these notices."""
        made = _copy(document)
        made["programme"]["notices"] = [each.row() for each in self.notices]
        return made


Change = Annotated[
    AddPractice | ChangePractice | AddLocality | ChangeLocality | SetRules | SetNotices,
    Field(discriminator="kind"),
]
TableChange = AddPractice | ChangePractice | AddLocality | ChangeLocality | SetRules | SetNotices
_CHANGE: Final[TypeAdapter[TableChange]] = TypeAdapter(Change)


def read_change(row: object) -> TableChange:
    """A stored change. Raises ValueError if it is none."""
    return _CHANGE.validate_python(row)


def localities_changed(change: TableChange) -> Sequence[str] | None:
    """The localities that a change is about; None for the whole programme."""
    if isinstance(change, AddPractice | ChangePractice):
        return (change.locality,)
    if isinstance(change, ChangeLocality):
        return (change.slug,)
    return None


def _copy(document: Document) -> dict[str, Any]:
    return copy.deepcopy(dict(document))


def _locality(document: dict[str, Any], slug: str) -> dict[str, Any]:
    found: dict[str, Any] | None = next((each for each in document["locality"] if each["slug"] == slug), None)
    if found is None:
        raise LocalitiesError(f"There is no locality {slug}.")
    return found


def _register(document: dict[str, Any], practice: PracticeEntry) -> None:
    """Adds a practice to the register, if it is not there."""
    if any(row["ods"] == practice.ods for row in document[_NAMED]):
        return
    if not practice.postcode:
        raise PostcodeNeeded(f"{practice.ods} is not in the register of practices: give its postcode.")
    row = {"ods": practice.ods, "name": practice.name or practice.site, "postcode": practice.postcode}
    document[_NAMED] = [*document[_NAMED], row]
