"""The way from referral to first visit: numbers, waits and barriers."""

from collections.abc import Sequence
from typing import Final

from services.evaluation.charts import Bar, Span, bar_chart, wait_chart
from services.evaluation.pages.formatting import days, length, number, of, per_cent, with_per_cent
from services.evaluation.pages.sections import Exhibit, Subject, Table, largest_first
from services.evaluation.reports.model import PlaceFigures, Wait


def _journey(place: PlaceFigures) -> Sequence[Exhibit]:
    first, *_, last = place.journey
    lead = (
        f"Of {number(first.settled)} people referred at least 12 weeks ago, {number(last.settled)} "
        f"({per_cent(last)}) have made a first visit."
    )
    if first.settled == 0:
        lead = (
            f"{number(first.people)} people were referred, none of them at least 12 weeks ago: it is too "
            "soon for a rate."
        )
    chart = bar_chart(
        f"journey-{place.place}",
        f"From referral to first visit: {place.name}",
        "A bar for each step from referral to first visit: the people referred at least 12 weeks ago who "
        f"came so far. {lead} The table gives each number.",
        [Bar(step.label, length(step.settled), with_per_cent(step.settled, step)) for step in place.journey],
        longest=length(first.settled),
    )
    rows = [[s.label, number(s.people), number(s.settled), per_cent(s)] for s in place.journey]
    columns = ["Step", "People", "Referred at least 12 weeks ago", "Per cent of these"]
    return [Exhibit(lead, chart if first.settled else None, Table(place.name, columns, rows))]


JOURNEY: Final = Subject(
    id="journey",
    heading="From referral to first visit",
    about=(
        "A first visit is the first time that somebody was there: what the programme is measured by. Per "
        "cents are of people referred at least 12 weeks ago: many of those referred later are still on their "
        "way."
    ),
    show=_journey,
    columns=[
        "Referred",
        "Referred at least 12 weeks ago",
        "Of these: met",
        "A service said yes",
        "First visit",
        "Per cent",
    ],
    by_locality=lambda place: [
        number(place.journey[0].people),
        *(number(place.journey[step].settled) for step in (0, 2, 4, 5)),
        per_cent(place.journey[5]),
    ],
)


def _waits(place: PlaceFigures) -> Sequence[Exhibit]:
    met, visited = place.waits
    lead = (
        f"Median wait for a first appointment: {days(met.median_days)}. "
        f"Median wait for a first visit: {days(visited.median_days)}."
    )
    if not met.people:
        lead = "Nobody referred in this period has had a first appointment yet."
    chart = wait_chart(
        f"waits-{place.place}",
        f"Days waited: {place.name}",
        "For each wait a line with two marks: half of the people waited no longer than the disc, the median, "
        f"nine in ten no longer than the diamond. {lead}",
        [
            Span(
                wait.label,
                wait.median_days if isinstance(wait.median_days, int) else None,
                wait.ninetieth_percentile_days if isinstance(wait.ninetieth_percentile_days, int) else None,
                _missing(wait),
            )
            for wait in place.waits
        ],
    )
    rows = [
        [
            wait.label,
            days(wait.median_days),
            days(wait.ninetieth_percentile_days),
            of(wait.people, wait.referred),
        ]
        for wait in place.waits
    ]
    columns = ["Wait", "Median", "Nine in ten within", "Have got there, of those referred"]
    return [Exhibit(lead, chart, Table(place.name, columns, rows))]


def _missing(wait: Wait) -> str:
    if wait.people == 0:
        return "Nobody yet"
    if isinstance(wait.median_days, int):
        return f"Median: {days(wait.median_days)}. Nine in ten: held back, few people."
    return "Held back: few people"


WAITS: Final = Subject(
    id="waits",
    heading="How long people wait",
    about=(
        "Waits are those of people who have got there. Those still waiting are not in them, so the waits of "
        "people referred in the last weeks look shorter than they will be."
    ),
    show=_waits,
    columns=[
        "First appointment: median wait",
        "First appointment: nine in ten within",
        "First visit: median wait",
        "First visit: nine in ten within",
    ],
    by_locality=lambda place: [
        days(number_of_days)
        for wait in place.waits
        for number_of_days in (wait.median_days, wait.ninetieth_percentile_days)
    ],
)


def _first_visits(place: PlaceFigures) -> Sequence[Exhibit]:
    replies, stopped = place.replies, place.barriers
    yes = next(part for part in replies.parts if part.code == "accepted")
    silent = next(part for part in replies.parts if part.code == "silent")
    answers = (
        f"Services were asked {number(replies.total)} times: they said yes {number(yes.count)} times, and "
        f"{number(silent.count)} times they have not answered yet."
    )
    reasons = largest_first(stopped.parts)
    why = f"{number(stopped.total)} times a first visit did not happen and the reason is known."
    return [
        Exhibit(
            answers,
            bar_chart(
                f"replies-{place.place}",
                f"What services answered: {place.name}",
                f"A bar for each answer. {answers}",
                [Bar(p.label, length(p.count), with_per_cent(p.count, p)) for p in replies.parts],
            ),
            Table(
                f"{place.name}: what services answered",
                ["Answer", "Times", "Of those asked"],
                [[p.label, number(p.count), per_cent(p)] for p in replies.parts],
            ),
        ),
        Exhibit(
            why,
            bar_chart(
                f"barriers-{place.place}",
                f"What stopped a first visit: {place.name}",
                f"A bar for each reason. {why}",
                [Bar(p.label, length(p.count), with_per_cent(p.count, p)) for p in reasons],
            ),
            Table(
                f"{place.name}: what stopped a first visit",
                ["Reason", "Times", "Of those known"],
                [[p.label, number(p.count), per_cent(p)] for p in reasons],
            ),
        ),
    ]


FIRST_VISITS: Final = Subject(
    id="first-visits",
    heading="What services answered, and what stopped a first visit",
    about="Answers are those of services that were asked to take somebody, not of those only signposted.",
    show=_first_visits,
    columns=["Asked", "Said yes", "No answer yet", "First visits stopped"],
    by_locality=lambda place: [
        number(place.replies.total),
        *(number(p.count) for p in place.replies.parts if p.code in ("accepted", "silent")),
        number(place.barriers.total),
    ],
)
