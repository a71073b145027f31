"""Well-being, as people reported it before and after."""

from collections.abc import Sequence
from typing import Final

from services.evaluation.charts import Pair, score_chart
from services.evaluation.disclosure.precision import MIN_FOR_TENTHS
from services.evaluation.disclosure.view import SUPPRESSED
from services.evaluation.pages.formatting import mean, number, of, per_cent, signed
from services.evaluation.pages.sections import Exhibit, Subject, Table
from services.evaluation.reports.model import Item, PlaceFigures
from services.evaluation.totals.statistics import MIN_FOR_INTERVAL


def _wellbeing(place: PlaceFigures) -> Sequence[Exhibit]:
    back = place.follow_up
    lead = (
        f"{of(back.answered, back.due)} follow-ups that were due have been answered "
        f"({per_cent(back)}). The changes below are only of those people."
    )
    followed = Table(
        f"{place.name}: how complete the answers are",
        ["Answers", "People"],
        [
            ["Met their link worker", number(back.met)],
            ["Answered the first time", number(back.before)],
            ["Follow-up due", number(back.due)],
            ["Follow-up answered", f"{number(back.answered)} ({per_cent(back)} of those due)"],
            ["Follow-up not due yet", number(back.not_yet_due)],
        ],
    )
    chart = score_chart(
        f"wellbeing-{place.place}",
        f"Before and after: {place.name}",
        "For each question, from 0 to 10, a ring at the mean answer before and a disc at the mean answer "
        f"after. {lead} The table gives each number.",
        [
            Pair(
                item.label,
                item.before if isinstance(item.before, float) else None,
                item.after if isinstance(item.after, float) else None,
                _pair_words(item),
            )
            for item in place.wellbeing
        ],
    )
    rows = [
        [
            _named(item),
            number(item.people),
            mean(item.before, item.nearest),
            mean(item.after, item.nearest),
            f"{signed(item.change, item.nearest)}{_interval(item)}",
            f"{number(item.better)}, {number(item.same)}, {number(item.worse)}",
        ]
        for item in place.wellbeing
    ]
    columns = ["Question", "People", "Before", "After", "Change (95% interval)", "Better, same, worse"]
    return [
        Exhibit(lead, None, followed),
        Exhibit("", chart, Table(f"{place.name}: answers before and after", columns, rows)),
    ]


def _named(item: Item) -> str:
    return f"{item.label} ({item.better_when} is better)"


def _pair_words(item: Item) -> str:
    if isinstance(item.before, float) and isinstance(item.after, float):
        before, after = mean(item.before, item.nearest), mean(item.after, item.nearest)
        return f"{before} before, {after} after. {item.better_when.capitalize()} is better."
    return "Held back: few people" if item.people == SUPPRESSED else "Nobody has answered twice yet"


def _interval(item: Item) -> str:
    if isinstance(item.low, float) and isinstance(item.high, float):
        return f" ({signed(item.low, item.nearest)} to {signed(item.high, item.nearest)})"
    fewest = MIN_FOR_INTERVAL if item.nearest == 0.01 else MIN_FOR_TENTHS
    few = isinstance(item.change, float)
    return f" (fewer than {fewest} people: no interval)" if few else ""


WELLBEING: Final = Subject(
    id="wellbeing",
    heading="How people said they were, before and after",
    about=(
        "The four questions of the Office for National Statistics, asked at the first appointment and again "
        "after 12 weeks or at closing. There is no group to compare with, and people who did not answer "
        "again may have fared differently: this cannot show what the programme caused."
    ),
    show=_wellbeing,
    columns=["Follow-ups due", "Answered", "Per cent", "Change in satisfaction"],
    by_locality=lambda place: [
        number(place.follow_up.due),
        number(place.follow_up.answered),
        per_cent(place.follow_up),
        signed(place.wellbeing[0].change, place.wellbeing[0].nearest),
    ],
)
