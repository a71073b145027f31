"""The fields of a form as the user typed them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from shared.platform.people.cleaning import clean_line
from shared.platform.web.validation import FieldError

DATE_PARTS: Final = ("day", "month", "year")


@dataclass(frozen=True, slots=True)
class FormInput:
    """A form as the user typed it, so that a page can show it again without a loss."""

    texts: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, list[str]] = field(default_factory=dict)
    ticks: frozenset[str] = frozenset()

    def text(self, name: str) -> str:
        """The text of a field, or an empty text."""
        return self.texts.get(name, "")

    def chosen(self, name: str) -> list[str]:
        """The values that the user chose in a field."""
        return self.lists.get(name, [])

    def ticked(self, name: str) -> bool:
        """True if the user ticked the box."""
        return name in self.ticks


def date_of_birth(typed: FormInput) -> tuple[date | None, list[FieldError]]:
    """The date of birth, or its errors. An empty field gives neither."""
    parts = [clean_line(typed.text(f"date_of_birth-{part}")) for part in DATE_PARTS]
    if not any(parts):
        return None, []
    missing = [part for part, text in zip(DATE_PARTS, parts, strict=True) if not text]
    if missing:
        sentence = f"The date of birth must include a {' and a '.join(missing)}"
        return None, [FieldError("/date_of_birth", "date_not_whole", sentence)]
    try:
        day, month, year = (int(text) if text.isascii() else -1 for text in parts)
        born = date(year, month, day)
    except ValueError:
        return None, [FieldError("/date_of_birth", "date_not_real", "The date of birth must be a real date")]
    if year < 1000:
        whole = "The year must include 4 numbers"
        return None, [FieldError("/date_of_birth", "date_not_whole", whole)]
    return born, []
