"""What people need, and what the community did not have to offer."""

from collections.abc import Sequence
from typing import Final

from services.evaluation.charts import Bar, bar_chart
from services.evaluation.figures.model import PlaceFigures, Share
from services.evaluation.pages.sections import Exhibit, Subject, Table, largest_first
from services.evaluation.pages.telling import length, number, per_cent, with_per_cent


def _unmet(place: PlaceFigures) -> Sequence[Exhibit]:
    unmet = place.unmet
    if unmet.total == 0:
        nothing = "No unmet need was told in this period."
        return [Exhibit(nothing, None, Table(place.name, ["Reason", "Times"], []))]
    reasons, needs = largest_first(unmet.by_reason), largest_first(unmet.by_need)
    lead = f"{number(unmet.total)} times a link worker found nothing suitable for a need."
    worst = next((need for need in needs if isinstance(need.count, int)), None)
    most = f"Most often for: {worst.label.lower()} ({number(worst.count)})." if worst else ""
    exhibits = [
        Exhibit(
            lead,
            bar_chart(
                f"unmet-{place.place}",
                f"Why nothing was found: {place.name}",
                f"A bar for each reason, the most frequent first. {lead}",
                [Bar(r.label, length(r.count), with_per_cent(r.count, r.percent)) for r in reasons],
            ),
            Table(
                f"{place.name}: why nothing was found",
                ["Reason", "Times", "Of all unmet needs"],
                [[r.label, number(r.count), per_cent(r.percent)] for r in reasons],
            ),
        ),
        Exhibit(
            most,
            bar_chart(
                f"unmet-needs-{place.place}",
                f"For which needs nothing was found: {place.name}",
                f"A bar for each need, the most frequent first. {most}",
                [Bar(n.label, length(n.count), with_per_cent(n.count, n.percent)) for n in needs],
            ),
            Table(
                f"{place.name}: for which needs",
                ["Need", "Times", "Of all unmet needs"],
                [[n.label, number(n.count), per_cent(n.percent)] for n in needs],
            ),
        ),
    ]
    pairs = [pair for pair in unmet.by_need_and_reason if isinstance(pair.count, int)]
    if pairs:
        ranked = sorted(pairs, key=lambda pair: -(pair.count if isinstance(pair.count, int) else 0))[:10]
        exhibits.append(
            Exhibit(
                "The gaps that come up most often are where money for services would help first.",
                None,
                Table(
                    f"{place.name}: the largest gaps",
                    ["Need and reason", "Times"],
                    [
                        [f"{pair.need_label}: {pair.reason_label.lower()}", number(pair.count)]
                        for pair in ranked
                    ],
                ),
            )
        )
    return exhibits


def _first(shares: Sequence[Share]) -> str:
    largest = next((s for s in largest_first(shares) if isinstance(s.count, int)), None)
    return f"{largest.label} ({number(largest.count)})" if largest else number(None)


UNMET: Final = Subject(
    id="unmet",
    heading="What the community did not have to offer",
    about=(
        "Each need of a person for which the link worker found nothing suitable, with the reason. "
        "This is the case for funding."
    ),
    show=_unmet,
    columns=["Unmet needs", "Most frequent need", "Most frequent reason"],
    by_locality=lambda place: [
        number(place.unmet.total),
        _first(place.unmet.by_need),
        _first(place.unmet.by_reason),
    ],
    prominent=True,
)


def _asked_for(place: PlaceFigures) -> Sequence[Exhibit]:
    needs = largest_first(place.needs.parts)
    lead = f"What would help {number(place.needs.total)} people. One person can have several needs."
    return [
        Exhibit(
            lead,
            bar_chart(
                f"needs-{place.place}",
                f"What people were referred for: {place.name}",
                f"A bar for each need, the most frequent first. {lead}",
                [Bar(n.label, length(n.count), with_per_cent(n.count, n.percent)) for n in needs],
            ),
            Table(
                place.name,
                ["Need", "People", "Of those referred"],
                [[n.label, number(n.count), per_cent(n.percent)] for n in needs],
            ),
        )
    ]


ASKED_FOR: Final = Subject(
    id="needs",
    heading="What people were referred for",
    about="From the referral form: the link worker may find other needs.",
    show=_asked_for,
    columns=["Referred", "Most frequent need"],
    by_locality=lambda place: [number(place.needs.total), _first(place.needs.parts)],
)
