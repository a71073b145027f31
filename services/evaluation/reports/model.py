"""The figures: the model from which JSON, CSV and pages are made."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.evaluation.disclosure.view import DisclosedCount

Count = Annotated[
    DisclosedCount, Field(description='A count. "*": from 1 to 7, or held back to protect a count that is.')
]
Percent = Annotated[
    DisclosedCount | None,
    Field(
        description='A whole per cent of the exact counts. "*": held back, or known only to lie between '
        "percent_low and percent_high. null: of nothing."
    ),
]
PercentEnd = Annotated[
    int | None,
    Field(description="The least or the most whole per cent that it can be; null: held back, or of nothing."),
]
Mean = Annotated[
    float | Literal["*"] | None,
    Field(
        description="Exact: two decimals. Suppressed: to the nearest tenth from 40 people, to the nearest "
        'half of fewer. "*": held back. null: nobody.'
    ),
]
WaitDays = Annotated[DisclosedCount | None, Field(description='Whole days. "*": held back. null: nobody.')]


class Figure(BaseModel):
    """The base of every figure. Figures are cached and shared between requests, so they are immutable."""

    model_config = ConfigDict(frozen=True)


class Share(Figure):
    """One part of a total."""

    code: str
    label: str
    count: Count
    percent: Percent = None
    percent_low: PercentEnd = None
    percent_high: PercentEnd = None


class Breakdown(Figure):
    """A total and its parts."""

    total: Count
    parts: list[Share]


class Step(Figure):
    """The number of people referred in the period who came this far, or further.

    The per cent is of people referred at least 12 weeks ago: others had too little time.
    """

    code: str
    label: str
    people: Count
    settled: Count  # of those referred at least 12 weeks ago
    percent_of_referred: Percent
    percent_low: PercentEnd
    percent_high: PercentEnd

    @property
    def percent(self) -> Percent:
        """The per cent of those referred, under the name that formatting expects."""
        return self.percent_of_referred


class Wait(Figure):
    """Days from referral to an event, for people to whom it has happened."""

    code: str
    label: str
    people: Count
    referred: Count
    median_days: WaitDays
    ninetieth_percentile_days: WaitDays


class Meetings(Figure):
    """Appointments of the period that were held or missed, by the days between booking and appointment."""

    code: str
    label: str
    meetings: Count
    did_not_come: Count
    percent: Percent
    percent_low: PercentEnd
    percent_high: PercentEnd


class Unmet(Figure):
    """Unmet needs: needs of people for which no service was found."""

    total: Count
    by_reason: list[Share]
    by_need: list[Share]
    by_need_and_reason: list["NeedAndReason"]  # only those that are not 0


class NeedAndReason(Figure):
    """The number of people with an unmet need, by the need and the reason."""

    need: str
    need_label: str
    reason: str
    reason_label: str
    count: Count


class Route(Figure):
    """A route of referral, and the number of people whom a link worker reached.

    The per cent is of those referred at least 12 weeks ago.
    """

    code: str
    label: str
    referred: Count
    reached: Count
    settled_referred: Count
    settled_reached: Count
    percent: Percent
    percent_low: PercentEnd
    percent_high: PercentEnd


class FollowUp(Figure):
    """The completeness of the questionnaires. Read this before the changes."""

    met: Count
    before: Count
    due: Count
    answered: Count
    percent_of_due: Percent
    percent_low: PercentEnd
    percent_high: PercentEnd
    not_yet_due: Count

    @property
    def percent(self) -> Percent:
        """The per cent of those due, under the name that formatting expects."""
        return self.percent_of_due


class Item(Figure):
    """One question, over the people who answered it before and after."""

    code: str
    label: str
    better_when: Literal["higher", "lower"]
    people: Count
    nearest: Annotated[
        float | None,
        Field(description="Means are to the nearest 0.01 (exact), 0.1 or 0.5; null: held back, or nobody."),
    ]
    before: Mean
    after: Mean
    change: Mean
    # Ends of the 95% confidence interval of the change. Exact: null with fewer than 30 people. Suppressed:
    # null with fewer than 40, and widened so that it holds all of the exact one.
    low: Mean
    high: Mean
    better: Count
    same: Count
    worse: Count


class PlaceFigures(Figure):
    """All figures of one place in the period."""

    place: str
    name: str
    journey: list[Step]
    waits: list[Wait]
    meetings: list[Meetings]
    unmet: Unmet
    needs: Breakdown
    routes: list[Route]
    follow_up: FollowUp
    wellbeing: list[Item]
    barriers: Breakdown
    replies: Breakdown


class Span(Figure):
    """The period of the figures: its months ("2026-01"), both included, and its name in words."""

    first_month: str
    last_month: str
    name: str


class PlaceElsewhere(Figure):
    """A locality whose figures another owner publishes. None of its numbers are in ours."""

    place: str
    name: str
    owner: str
    address: str | None = None
    pages: str | None = None


class Figures(Figure):
    """The answer of `GET /figures`."""

    as_of: date
    period: Span
    counts: Literal["exact", "suppressed"]
    notes: list[str]
    elsewhere: list[PlaceElsewhere] = []
    places: list[PlaceFigures]  # the whole programme first, then localities in the order of their file
