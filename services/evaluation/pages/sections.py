"""What the page shows of each place: a heading, a sentence, a chart and a table under each subject."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from services.evaluation.disclosure.view import HELD_BACK
from services.evaluation.pages.telling import listed, number
from services.evaluation.reports.model import PlaceFigures, Share


@dataclass(frozen=True, slots=True)
class Table:
    """A caption, column headings and rows; the first cell of a row is its heading, the others are numbers."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One picture of one place, with the sentence that says what it shows and the numbers in it."""

    lead: str
    chart: Markup | None
    table: Table


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject of the page. `by_locality` gives a locality's cells for the columns, heading excluded."""

    id: str
    heading: str
    about: str
    show: Callable[[PlaceFigures], Sequence[Exhibit]]
    columns: Sequence[str]
    by_locality: Callable[[PlaceFigures], Sequence[str]]
    prominent: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A subject with everything filled in: exhibits of the charted places, and a table of localities."""

    subject: Subject
    exhibits: Sequence[tuple[str, Sequence[Exhibit]]]
    comparison: Table | None


FEWEST_TO_COMPARE: Final = 2
MOST_NAMED: Final = 3
"""Of those that tie, in a cell of a table."""


def filled(subject: Subject, charted: Sequence[PlaceFigures], all_places: Sequence[PlaceFigures]) -> Shown:
    """The subject for these places. Localities are set beside one another where there is more than one."""
    compared = None
    if len(all_places) > FEWEST_TO_COMPARE:
        rows = [[place.name, *subject.by_locality(place)] for place in all_places]
        compared = Table(f"{subject.heading}: by locality", ["Place", *subject.columns], rows)
    return Shown(subject, [(place.name, subject.show(place)) for place in charted], compared)


def largest_first(shares: Sequence[Share]) -> list[Share]:
    """By count; what is held back comes after what is shown, and nothing at all is left out."""
    some = [share for share in shares if share.count != 0]
    return sorted(some, key=lambda share: -(share.count if isinstance(share.count, int) else 0.5))


def most_frequent(shares: Sequence[Share]) -> list[Share]:
    """Those with the largest count that is shown: several where they are shown with the same count."""
    largest = max((share.count for share in shares if isinstance(share.count, int)), default=0)
    return [share for share in shares if share.count == largest] if largest else []


def most_frequent_in_words(shares: Sequence[Share]) -> str:
    """Debt (10); Debt and Housing (10 each); 6 tie (10 each); Debt (10, of those shown).

    A count that is held back is never among them, and may be larger.
    """
    found = most_frequent(shares)
    if not found:
        return number(HELD_BACK if any(share.count == HELD_BACK for share in shares) else None)
    count = number(found[0].count)
    shown = ", of those shown" if any(share.count == HELD_BACK for share in shares) else ""
    if len(found) == 1:
        return f"{found[0].label} ({count}{shown})"
    names = listed([share.label for share in found])
    named = names if len(found) <= MOST_NAMED else f"{len(found)} tie"
    return f"{named} ({count} each{shown})"
