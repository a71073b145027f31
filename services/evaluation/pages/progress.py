"""From referral to first visit: how many, how fast, and what stood in the way."""

from collections.abc import Sequence
from typing import Final

from services.evaluation.charts import Bar, Span, bar_chart, wait_chart
from services.evaluation.figures.model import PlaceFigures
from services.evaluation.pages.sections import Exhibit, Subject, Table, largest_first
from services.evaluation.pages.telling import days, length, number, of, per_cent, with_per_cent


def _journey(place: PlaceFigures) -> Sequence[Exhibit]:
    first, *_, last = place.journey
    lead = (
        f"Of {number(first.people)} people referred, {number(last.people)} "
        f"({per_cent(last.percent_of_referred)}) have made a first visit."
    )
    chart = bar_chart(
        f"journey-{place.place}",
        f"From referral to first visit: {place.name}",
        f"A bar for each step from referral to first visit. {lead} The table gives each number.",
        [
            Bar(step.label, length(step.people), with_per_cent(step.people, step.percent_of_referred))
            for step in place.journey
        ],
        longest=length(first.people),
    )
    rows = [[s.label, number(s.people), per_cent(s.percent_of_referred)] for s in place.journey]
    return [Exhibit(lead, chart, Table(place.name, ["Step", "People", "Of those referred"], rows))]


JOURNEY: Final = Subject(
    id="journey",
    heading="From referral to first visit",
    about="A first visit is the first time that somebody was there: what the programme is measured by.",
    show=_journey,
    columns=["Referred", "Met", "Service said yes", "First visit", "First visit, of those referred"],
    by_locality=lambda place: [
        *(number(place.journey[step].people) for step in (0, 2, 4, 5)),
        per_cent(place.journey[5].percent_of_referred),
    ],
)


def _waits(place: PlaceFigures) -> Sequence[Exhibit]:
    met, visited = place.waits
    lead = (
        f"Half of those who have met their link worker waited {days(met.median_days)} or fewer; "
        f"half of those who have made a first visit waited {days(visited.median_days)} or fewer."
    )
    if not met.people:
        lead = "Nobody referred in this period has met their link worker yet."
    chart = wait_chart(
        f"waits-{place.place}",
        f"Days waited: {place.name}",
        "For each wait a line with two marks: half of the people waited no longer than the disc, nine in "
        f"ten no longer than the diamond. {lead}",
        [
            Span(
                wait.label,
                wait.median_days if isinstance(wait.median_days, int) else None,
                wait.ninetieth_percentile_days if isinstance(wait.ninetieth_percentile_days, int) else None,
                "Held back: 1 to 7 people" if wait.median_days == "*" else "Nobody yet",
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
    columns = ["Wait", "Half within", "Nine in ten within", "People who got there"]
    return [Exhibit(lead, chart, Table(place.name, columns, rows))]


WAITS: Final = Subject(
    id="waits",
    heading="How long people wait",
    about="Waits are those of people who have arrived. Those still waiting are not in them.",
    show=_waits,
    columns=["Met: half within", "Met: nine in ten", "First visit: half within", "First visit: nine in ten"],
    by_locality=lambda place: [
        days(number_of_days)
        for wait in place.waits
        for number_of_days in (wait.median_days, wait.ninetieth_percentile_days)
    ],
)


def _first_visits(place: PlaceFigures) -> Sequence[Exhibit]:
    asked, stopped = place.replies, place.barriers
    yes = next(part for part in asked.parts if part.code == "accepted")
    said = (
        f"Services were asked {number(asked.total)} times and said yes {number(yes.count)} times "
        f"({per_cent(yes.percent)})."
    )
    reasons = largest_first(stopped.parts)
    why = f"{number(stopped.total)} times a first visit did not happen and the reason is known."
    return [
        Exhibit(
            said,
            bar_chart(
                f"replies-{place.place}",
                f"What services answered: {place.name}",
                f"A bar for each answer. {said}",
                [Bar(p.label, length(p.count), with_per_cent(p.count, p.percent)) for p in asked.parts],
            ),
            Table(
                f"{place.name}: what services answered",
                ["Answer", "Times", "Of those asked"],
                [[p.label, number(p.count), per_cent(p.percent)] for p in asked.parts],
            ),
        ),
        Exhibit(
            why,
            bar_chart(
                f"barriers-{place.place}",
                f"What stopped a first visit: {place.name}",
                f"A bar for each reason. {why}",
                [Bar(p.label, length(p.count), with_per_cent(p.count, p.percent)) for p in reasons],
            ),
            Table(
                f"{place.name}: what stopped a first visit",
                ["Reason", "Times", "Of those known"],
                [[p.label, number(p.count), per_cent(p.percent)] for p in reasons],
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
