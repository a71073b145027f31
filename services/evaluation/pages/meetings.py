"""Appointments held and missed, and people whom a link worker reached."""

from collections.abc import Iterable, Sequence
from typing import Final

from services.evaluation.charts import Bar, bar_chart
from services.evaluation.pages.formatting import Percentage, number, of, per_cent
from services.evaluation.pages.sections import Exhibit, Subject, Table
from services.evaluation.reports.model import PlaceFigures


def _missed(place: PlaceFigures) -> Sequence[Exhibit]:
    total = place.meetings[0]
    lead = f"{of(total.did_not_come, total.meetings)} appointments were missed ({per_cent(total)})."
    chart = bar_chart(
        f"meetings-{place.place}",
        f"Missed appointments: {place.name}",
        f"A bar for each time between booking and appointment: the per cent that were missed. {lead}",
        [
            _per_cent_bar(
                band.label,
                band,
                f"{per_cent(band)} of {number(band.meetings)}" if band.meetings else "no appointments",
            )
            for band in place.meetings
        ],
        longest=_round_scale(band.percent_high for band in place.meetings),
    )
    rows = [
        [band.label, number(band.meetings), number(band.did_not_come), per_cent(band)]
        for band in place.meetings
    ]
    columns = ["Booked before the appointment", "Appointments", "Missed", "Per cent"]
    return [Exhibit(lead, chart, Table(place.name, columns, rows))]


def _per_cent_bar(label: str, rate: Percentage, words: str) -> Bar:
    """A bar as long as the per cent, or from its least to its most."""
    least = 0.0 if rate.percent is None else rate.percent_low
    return Bar(label, least, words, upto=rate.percent_high)


def _round_scale(percents: Iterable[int | None]) -> float:
    """The length of the track: 25, 50 or 100 per cent, so that small differences are visible."""
    highest = max((percent for percent in percents if percent is not None), default=0)
    return next(scale for scale in (25.0, 50.0, 100.0) if highest <= scale)


MISSED: Final = Subject(
    id="meetings",
    heading="Missed appointments (did not attend)",
    about=(
        "Appointments with a link worker, held or missed, by the time between booking and appointment. "
        "Elsewhere, people miss more of them the longer it is."
    ),
    show=_missed,
    columns=["Appointments", "Missed", "Per cent"],
    by_locality=lambda place: [
        number(place.meetings[0].meetings),
        number(place.meetings[0].did_not_come),
        per_cent(place.meetings[0]),
    ],
)


def _routes(place: PlaceFigures) -> Sequence[Exhibit]:
    total, *routes = place.routes
    lead = (
        f"A link worker reached {of(total.settled_reached, total.settled_referred)} people who were referred "
        f"at least 12 weeks ago ({per_cent(total)})."
    )
    chart = bar_chart(
        f"routes-{place.place}",
        f"Reached, by route: {place.name}",
        "A bar for each route of referral: the per cent that a link worker reached, of people referred at "
        f"least 12 weeks ago. {lead}",
        [
            _per_cent_bar(
                route.label,
                route,
                f"{per_cent(route)} of {number(route.settled_referred)}"
                if route.settled_referred
                else "nobody",
            )
            for route in routes
        ],
        longest=100,
    )
    rows = [
        [
            r.label,
            number(r.referred),
            number(r.reached),
            of(r.settled_reached, r.settled_referred),
            per_cent(r),
        ]
        for r in place.routes
    ]
    return [Exhibit(lead, chart, Table(place.name, ["Route", *_REACHED], rows))]


_REACHED: Final = ["Referred", "Reached", "Reached, of those referred at least 12 weeks ago", "Per cent"]

ROUTES: Final = Subject(
    id="routes",
    heading="Who referred, and who was reached",
    about=(
        "Reached: spoken to, or met. Per cents are of people referred at least 12 weeks ago: for others it "
        "is too soon to tell."
    ),
    show=_routes,
    columns=_REACHED,
    by_locality=lambda place: [
        number(place.routes[0].referred),
        number(place.routes[0].reached),
        of(place.routes[0].settled_reached, place.routes[0].settled_referred),
        per_cent(place.routes[0]),
    ],
)
