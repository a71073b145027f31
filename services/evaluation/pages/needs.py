"""Needs of people, and needs that the community could not meet."""

from collections.abc import Sequence
from typing import Final

from services.evaluation.charts import Bar, bar_chart
from services.evaluation.disclosure.view import SUPPRESSED
from services.evaluation.pages.formatting import length, listed, number, per_cent, with_per_cent
from services.evaluation.pages.sections import (
    Exhibit,
    Subject,
    Table,
    largest_first,
    most_frequent,
    most_frequent_in_words,
)
from services.evaluation.reports.model import NeedAndReason, PlaceFigures, Share

MAX_GAPS: Final = 10


def _unmet(place: PlaceFigures) -> Sequence[Exhibit]:
    unmet = place.unmet
    if unmet.total == 0:
        nothing = "No unmet need was told in this period."
        return [Exhibit(nothing, None, Table(place.name, ["Reason", "Times"], []))]
    reasons, needs = largest_first(unmet.by_reason), largest_first(unmet.by_need)
    lead = f"{number(unmet.total)} times a link worker found nothing suitable for a need."
    most = most_often(needs)
    exhibits = [
        Exhibit(
            lead,
            bar_chart(
                f"unmet-{place.place}",
                f"Why nothing was found: {place.name}",
                f"A bar for each reason, the most frequent first, those held back last. {lead}",
                [Bar(r.label, length(r.count), with_per_cent(r.count, r)) for r in reasons],
            ),
            Table(
                f"{place.name}: why nothing was found",
                ["Reason", "Times", "Of all unmet needs"],
                [[r.label, number(r.count), per_cent(r)] for r in reasons],
            ),
        ),
        Exhibit(
            most,
            bar_chart(
                f"unmet-needs-{place.place}",
                f"For which needs nothing was found: {place.name}",
                f"A bar for each need, the most frequent first, those held back last. {most}",
                [Bar(n.label, length(n.count), with_per_cent(n.count, n)) for n in needs],
            ),
            Table(
                f"{place.name}: for which needs",
                ["Need", "Times", "Of all unmet needs"],
                [[n.label, number(n.count), per_cent(n)] for n in needs],
            ),
        ),
    ]
    pairs = [pair for pair in unmet.by_need_and_reason if isinstance(pair.count, int)]
    if pairs:
        ranked = largest_gaps(unmet.by_need_and_reason)
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


def most_often(needs: Sequence[Share]) -> str:
    """Names all needs with the largest shown count in a sentence."""
    found = most_frequent(needs)
    if not found:
        return ""
    names, count = listed([need.label.lower() for need in found]), number(found[0].count)
    of = "Of the needs with a count, most" if any(need.count == SUPPRESSED for need in needs) else "Most"
    if len(found) == 1:
        return f"{of} often for: {names} ({count})."
    return f"{of} often, shown with {count} each, for: {names}."


def largest_gaps(pairs: Sequence[NeedAndReason]) -> list[NeedAndReason]:
    """The largest shown gaps, with all that tie with the last of them."""
    shown = [(pair.count, pair) for pair in pairs if isinstance(pair.count, int)]
    ranked = sorted(shown, key=lambda counted: -counted[0])
    return [pair for count, pair in ranked if count >= ranked[min(MAX_GAPS, len(ranked)) - 1][0]]


UNMET: Final = Subject(
    id="unmet",
    heading="What the community did not have to offer",
    about=(
        "Each need of a person for which the link worker found nothing suitable, with the reason. A need for "
        "which a service was added on the same day is not among them. This is the case for funding."
    ),
    show=_unmet,
    columns=["Unmet needs", "Most frequent need", "Most frequent reason"],
    by_locality=lambda place: [
        number(place.unmet.total),
        most_frequent_in_words(place.unmet.by_need),
        most_frequent_in_words(place.unmet.by_reason),
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
                f"A bar for each need, the most frequent first, those held back last. {lead}",
                [Bar(n.label, length(n.count), with_per_cent(n.count, n)) for n in needs],
            ),
            Table(
                place.name,
                ["Need", "People", "Of those referred"],
                [[n.label, number(n.count), per_cent(n)] for n in needs],
            ),
        )
    ]


ASKED_FOR: Final = Subject(
    id="needs",
    heading="What people were referred for",
    about="From the referral form: the link worker may find other needs.",
    show=_asked_for,
    columns=["Referred", "Most frequent need"],
    by_locality=lambda place: [number(place.needs.total), most_frequent_in_words(place.needs.parts)],
)
