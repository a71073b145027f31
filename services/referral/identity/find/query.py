"""A search for a person: the given values in normal form. Pure."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from shared.platform.people.name_comparison import name_words

# Fields of a search, in the order in which the audit names them.
FIELDS: Final = ("name", "nhs_number", "born", "telephone", "postcode", "reference")
# More words than these are no name. Each costs a look-up.
MAX_WORDS: Final = 6


@dataclass(frozen=True, slots=True)
class PersonQuery:
    """A search. A person fits if all given values fit.

    Attributes:
        name: first, last or preferred names in any order, with a slip in each word at most.
        nhs_number: ten digits.
        telephone: in E.164.
        postcode: in capitals, with its space.
        reference: a referral's id.
    """

    name: str | None = None
    nhs_number: str | None = None
    born: date | None = None
    telephone: str | None = None
    postcode: str | None = None
    reference: str | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are given."""
        return tuple(field for field in FIELDS if getattr(self, field) is not None)

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the name as they are compared."""
        return name_words(self.name or "")[:MAX_WORDS]

    @property
    def exact(self) -> dict[str, str]:
        """The values that must be equal to a person's stored ones, by the vault's field."""
        given = {
            "nhs_number": self.nhs_number,
            "date_of_birth": self.born.isoformat() if self.born else None,
            "telephone": self.telephone,
            "postcode": self.postcode,
        }
        return {field: value for field, value in given.items() if value is not None}

    @property
    def names_one_person(self) -> bool:
        """True if the search can hardly mean two people: by number, reference, or name and date of birth."""
        return bool(self.nhs_number or self.reference or (self.words and self.born))
