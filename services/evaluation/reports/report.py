"""Makes the figures of a place from its totals, through the disclosure view of the reader."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from services.evaluation.contributions.vocabulary import ITEMS, LOW_IS_GOOD, STEPS, LeadTime, Step
from services.evaluation.disclosure.precision import (
    MIN_FOR_NINETIETH,
    MIN_FOR_TENTHS,
    Rate,
    interval,
    means_in_tenths,
)
from services.evaluation.disclosure.view import SUPPRESSED, DisclosedCount, DisclosureView
from services.evaluation.reports import model as m
from services.evaluation.totals.statistics import paired_change, percentile
from services.evaluation.totals.totals import ALL, CountName, Scores, Totals
from shared.contract import labels


class Report:
    """The figures of one place."""

    def __init__(self, place: str, totals: Totals, view: DisclosureView) -> None:
        self._place, self._totals, self._view = place, totals, view

    def figures(self, name: str) -> m.PlaceFigures:
        """All figures of the place, under this name."""
        return m.PlaceFigures(
            place=self._place,
            name=name,
            journey=self._journey(),
            waits=[self._wait(code, label) for code, label in labels.WAITS.items()],
            meetings=[self._meetings(ALL, "All appointments"), *(self._lead(lead) for lead in LeadTime)],
            unmet=self._unmet(),
            needs=self._breakdown(("journey", "referred"), labels.NEEDS, "needs"),
            routes=[
                self._route(ALL, "All routes"),
                *(self._route(*route) for route in labels.ROUTES.items()),
            ],
            follow_up=self._follow_up(),
            wellbeing=[self._item(item) for item in ITEMS],
            barriers=self._breakdown(("barriers", ALL), labels.BARRIERS, "barriers"),
            replies=self._breakdown(("replies", ALL), labels.ANSWERS, "replies"),
        )

    def _count(self, *name: str) -> DisclosedCount:
        return self._view.count(self._place, name)

    def _rate(self, part: DisclosedCount, whole: DisclosedCount, *, same: bool = False) -> Rate:
        """`same`: the part is the whole, so the rate is 100% of any number."""
        if same and isinstance(whole, int) and whole:
            return Rate(100, 100, 100)
        return self._view.rate(part, whole)

    def _journey(self) -> list[m.Step]:
        return [self._step(step) for step in STEPS]

    def _step(self, step: Step) -> m.Step:
        settled, referred = self._count("settled", step), self._count("settled", Step.REFERRED)
        return m.Step(
            code=step,
            label=labels.STEPS[step],
            people=self._count("journey", step),
            settled=settled,
            **_named(self._rate(settled, referred, same=step is Step.REFERRED), "percent_of_referred"),
        )

    def _wait(self, code: str, label: str) -> m.Wait:
        people = self._count(f"wait_{code}")
        days = self._totals.days[code]
        return m.Wait(
            code=code,
            label=label,
            people=people,
            referred=self._count("journey", "referred"),
            median_days=SUPPRESSED if people == SUPPRESSED else percentile(days, 50),
            ninetieth_percentile_days=SUPPRESSED
            if self._too_few_for_a_tail(people)
            else percentile(days, 90),
        )

    def _too_few_for_a_tail(self, people: DisclosedCount) -> bool:
        """Tests whether the last tenth would be one or two people."""
        if people == SUPPRESSED:
            return True
        return not self._view.exact and 0 < int(people) < MIN_FOR_NINETIETH

    def _lead(self, lead: LeadTime) -> m.Meetings:
        return self._meetings(lead, labels.LEAD_TIMES[lead])

    def _meetings(self, code: str, label: str) -> m.Meetings:
        meetings, missed = self._count("meetings", code, ALL), self._count("meetings", code, "missed")
        return m.Meetings(
            code=code,
            label=label,
            meetings=meetings,
            did_not_come=missed,
            **_named(self._rate(missed, meetings)),
        )

    def _parts(self, total: CountName, parts: Iterable[tuple[str, str, CountName]]) -> list[m.Share]:
        whole = self._count(*total)
        counted = [(code, label, self._count(*name)) for code, label, name in parts]
        return [
            m.Share(code=code, label=label, count=count, **_named(self._rate(count, whole)))
            for code, label, count in counted
        ]

    def _breakdown(self, total: CountName, labels: Mapping[Any, str], measure: str) -> m.Breakdown:
        parts = ((str(code), label, (measure, code)) for code, label in labels.items())
        return m.Breakdown(total=self._count(*total), parts=self._parts(total, parts))

    def _unmet(self) -> m.Unmet:
        total = ("unmet", ALL, ALL)
        reasons = ((str(r), label, ("unmet", ALL, r)) for r, label in labels.UNMET.items())
        needs = ((str(n), label, ("unmet", n, ALL)) for n, label in labels.NEEDS.items())
        return m.Unmet(
            total=self._count(*total),
            by_reason=self._parts(total, reasons),
            by_need=self._parts(total, needs),
            by_need_and_reason=self._pairs(),
        )

    def _pairs(self) -> list[m.NeedAndReason]:
        return [
            m.NeedAndReason(need=need, need_label=of, reason=reason, reason_label=why, count=count)
            for need, of in labels.NEEDS.items()
            for reason, why in labels.UNMET.items()
            if (count := self._count("unmet", need, reason))
        ]

    def _route(self, code: str, label: str) -> m.Route:
        referred, settled = (
            self._referred("journey", "contact", code),
            self._referred("settled", "settled_contact", code),
        )
        reached = self._count("settled_contact", code, "reached")
        return m.Route(
            code=code,
            label=label,
            referred=referred,
            reached=self._count("contact", code, "reached"),
            settled_referred=settled,
            settled_reached=reached,
            **_named(self._rate(reached, settled)),
        )

    def _referred(self, journey: str, contact: str, code: str) -> DisclosedCount:
        """People referred by one route. Those of all routes are the first step of the journey."""
        return self._count(journey, "referred") if code == ALL else self._count(contact, code, "referred")

    def _follow_up(self) -> m.FollowUp:
        due, answered = self._count("follow_up", "due"), self._count("follow_up", "paired")
        return m.FollowUp(
            met=self._count("journey", "met"),
            before=self._count("follow_up", "before"),
            due=due,
            answered=answered,
            **_named(self._rate(answered, due), "percent_of_due"),
            not_yet_due=self._count("follow_up", "later"),
        )

    def _item(self, item: str) -> m.Item:
        people = self._count("ons4", item, "n")
        ways: dict[str, Any] = {way: self._count("ons4", item, way) for way in ("better", "same", "worse")}
        return m.Item(
            code=item,
            label=labels.ITEMS[item],
            better_when="lower" if item in LOW_IS_GOOD else "higher",
            people=people,
            **ways,
            **self._means(item, people, alike=list(ways.values()).count(0) > 1),
        )

    def _means(self, item: str, people: DisclosedCount, *, alike: bool) -> Mapping[str, Any]:
        """`alike`: all people moved the same way."""
        scores = self._totals.scores[item]
        if self._view.exact:
            return _exact_means(scores)
        if people == 0:
            return _NO_MEANS
        if people == SUPPRESSED or alike:
            return _SUPPRESSED_MEANS
        means = means_in_tenths(scores.n, scores.before, scores.after, people)
        found: dict[str, float | None] = {
            "nearest": 0.1 if people >= MIN_FOR_TENTHS else 0.5,
            "before": means.before / 10,
            "after": means.after / 10,
            "change": means.change / 10,
            "low": None,
            "high": None,
        }
        if people >= MIN_FOR_TENTHS:
            found["low"], found["high"] = interval(
                scores.n, scores.after - scores.before, scores.squares, means.change
            )
        return found


_MEANS: Final = ("before", "after", "change", "low", "high")
_NO_MEANS: Final = dict.fromkeys(("nearest", *_MEANS))
_SUPPRESSED_MEANS: Final = _NO_MEANS | dict.fromkeys(_MEANS, SUPPRESSED)


def _exact_means(scores: Scores) -> Mapping[str, float | None]:
    change = paired_change(scores.n, scores.before, scores.after, scores.squares)
    if change is None:
        return _NO_MEANS
    return {
        "nearest": 0.01,
        "before": round(scores.before / scores.n, 2),
        "after": round(scores.after / scores.n, 2),
        "change": round(change.mean, 2),
        "low": None if change.low is None else round(change.low, 2),
        "high": None if change.high is None else round(change.high, 2),
    }


def _named(rate: Rate, name: str = "percent") -> dict[str, Any]:
    """The fields of a rate, as the models name them."""
    return {name: rate.percent, "percent_low": rate.low, "percent_high": rate.high}
