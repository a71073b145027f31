"""Sections of the page: under each subject a heading, a sentence, a chart and a table for each place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from services.evaluation.disclosure.view import SUPPRESSED
from services.evaluation.pages.formatting import listed, number
from services.evaluation.reports.model import PlaceFigures, Share


@dataclass(frozen=True, slots=True)
class Table:
    """A caption, column headings and rows; the first cell of a row is its heading, the others are numbers."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One chart of one place, with a sentence on what it shows, and its numbers."""

    lead: str
    chart: Markup | None
    table: Table


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject of the page. `by_locality` gives a locality's cells for the columns, without its name."""

    id: str
    heading: str
    about: str
    show: Callable[[PlaceFigures], Sequence[Exhibit]]
    columns: Sequence[str]
    by_locality: Callable[[PlaceFigures], Sequence[str]]
    prominent: bool = False


@dataclass(frozen=True, slots=True)
class FilledSubject:
    """A subject filled in: exhibits of the charted places, and a table that compares localities."""

    subject: Subject
    exhibits: Sequence[tuple[str, Sequence[Exhibit]]]
    comparison: Table | None


MIN_PLACES_TO_COMPARE: Final = 2
# In a cell of a table, of those that tie.
MAX_NAMED: Final = 3


def fill(
    subject: Subject, charted: Sequence[PlaceFigures], all_places: Sequence[PlaceFigures]
) -> FilledSubject:
    """Fills in a subject for these places. Two localities or more are compared."""
    compared = None
    if len(all_places) > MIN_PLACES_TO_COMPARE:
        rows = [[place.name, *subject.by_locality(place)] for place in all_places]
        compared = Table(f"{subject.heading}: by locality", ["Place", *subject.columns], rows)
    return FilledSubject(subject, [(place.name, subject.show(place)) for place in charted], compared)


def largest_first(shares: Sequence[Share]) -> list[Share]:
    """Sorts by count, suppressed counts last. Leaves out counts of 0."""
    some = [share for share in shares if share.count != 0]
    return sorted(some, key=lambda share: -(share.count if isinstance(share.count, int) else 0.5))


def most_frequent(shares: Sequence[Share]) -> list[Share]:
    """The shares with the largest shown count: several where they tie."""
    largest = max((share.count for share in shares if isinstance(share.count, int)), default=0)
    return [share for share in shares if share.count == largest] if largest else []


def most_frequent_in_words(shares: Sequence[Share]) -> str:
    """Debt (10); Debt and Housing (10 each); 6 tie (10 each); Debt (10, of those shown).

    A suppressed count is never among them, and may be larger.
    """
    found = most_frequent(shares)
    if not found:
        return number(SUPPRESSED if any(share.count == SUPPRESSED for share in shares) else None)
    count = number(found[0].count)
    shown = ", of those shown" if any(share.count == SUPPRESSED for share in shares) else ""
    if len(found) == 1:
        return f"{found[0].label} ({count}{shown})"
    names = listed([share.label for share in found])
    named = names if len(found) <= MAX_NAMED else f"{len(found)} tie"
    return f"{named} ({count} each{shown})"
