"""Who came to their meeting, and whom a link worker reached."""

from collections.abc import Iterable, Sequence
from typing import Final

from services.evaluation.charts import Bar, bar_chart
from services.evaluation.figures.model import PlaceFigures
from services.evaluation.pages.sections import Exhibit, Subject, Table
from services.evaluation.pages.telling import length, number, of, per_cent


def _did_not_come(place: PlaceFigures) -> Sequence[Exhibit]:
    total = place.meetings[0]
    lead = (
        f"At {of(total.did_not_come, total.meetings)} meetings ({per_cent(total.percent)}) the person "
        "did not come."
    )
    chart = bar_chart(
        f"meetings-{place.place}",
        f"Did not come: {place.name}",
        f"A bar for each time between booking and meeting: the per cent that did not come. {lead}",
        [
            Bar(
                band.label,
                length(band.percent),
                f"{per_cent(band.percent)} of {number(band.meetings)}" if band.meetings else "no meetings",
            )
            for band in place.meetings
        ],
        longest=_round_scale(band.percent for band in place.meetings if isinstance(band.percent, int)),
    )
    rows = [
        [band.label, number(band.meetings), number(band.did_not_come), per_cent(band.percent)]
        for band in place.meetings
    ]
    columns = ["Booked before the meeting", "Meetings", "Did not come", "Per cent"]
    return [Exhibit(lead, chart, Table(place.name, columns, rows))]


def _round_scale(percents: Iterable[int]) -> float:
    """The track's length: 25, 50 or 100 per cent, so that small differences can be seen."""
    highest = max(percents, default=0)
    return next(scale for scale in (25.0, 50.0, 100.0) if highest <= scale)


DID_NOT_COME: Final = Subject(
    id="meetings",
    heading="Who did not come to their meeting",
    about=(
        "Meetings held or missed, by the time between booking and meeting. Elsewhere, people come less often "
        "the longer it is."
    ),
    show=_did_not_come,
    columns=["Meetings", "Did not come", "Per cent"],
    by_locality=lambda place: [
        number(place.meetings[0].meetings),
        number(place.meetings[0].did_not_come),
        per_cent(place.meetings[0].percent),
    ],
)


def _routes(place: PlaceFigures) -> Sequence[Exhibit]:
    total, *routes = place.routes
    lead = f"A link worker reached {of(total.reached, total.referred)} people ({per_cent(total.percent)})."
    chart = bar_chart(
        f"routes-{place.place}",
        f"Reached, by route: {place.name}",
        f"A bar for each route of referral: the per cent that a link worker reached. {lead}",
        [
            Bar(
                route.label,
                length(route.percent),
                f"{per_cent(route.percent)} of {number(route.referred)}" if route.referred else "nobody",
            )
            for route in routes
        ],
        longest=100,
    )
    rows = [[r.label, number(r.referred), number(r.reached), per_cent(r.percent)] for r in place.routes]
    return [Exhibit(lead, chart, Table(place.name, ["Route", "Referred", "Reached", "Per cent"], rows))]


ROUTES: Final = Subject(
    id="routes",
    heading="Who referred, and who was reached",
    about="Reached: spoken to, or met.",
    show=_routes,
    columns=["Referred", "Reached", "Per cent"],
    by_locality=lambda place: [
        number(place.routes[0].referred),
        number(place.routes[0].reached),
        per_cent(place.routes[0].percent),
    ],
)
