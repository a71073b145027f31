"""Makes the figures of each place from its tally, through the face that the reader is shown."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from services.evaluation import words
from services.evaluation.figures import model as m
from services.evaluation.figures.face import HELD_BACK, Face, Shown, shown_percent
from services.evaluation.figures.statistics import paired_change, percentile
from services.evaluation.figures.tally import ALL, Name, Tally
from services.evaluation.vocabulary import ITEMS, LOW_IS_GOOD, STEPS, LeadTime


class Report:
    """The figures of one place."""

    def __init__(self, place: str, tally: Tally, face: Face) -> None:
        self._place, self._tally, self._face = place, tally, face

    def figures(self, name: str) -> m.PlaceFigures:
        """All of them, for the place called `name`."""
        return m.PlaceFigures(
            place=self._place,
            name=name,
            journey=self._journey(),
            waits=[self._wait(code, label) for code, label in words.WAITS.items()],
            meetings=[self._meetings(ALL, "All meetings"), *(self._lead(lead) for lead in LeadTime)],
            unmet=self._unmet(),
            needs=self._breakdown(("journey", "referred"), words.NEEDS, "needs"),
            routes=[self._route(ALL, "All routes"), *(self._route(*route) for route in words.ROUTES.items())],
            follow_up=self._follow_up(),
            wellbeing=[self._item(item) for item in ITEMS],
            barriers=self._breakdown(("barriers", ALL), words.BARRIERS, "barriers"),
            replies=self._breakdown(("replies", ALL), words.ANSWERS, "replies"),
        )

    def _count(self, *name: str) -> Shown:
        return self._face.count(self._place, name)

    def _journey(self) -> list[m.Step]:
        referred = self._count("journey", "referred")
        counted = [(step, self._count("journey", step)) for step in STEPS]
        return [
            m.Step(
                code=step,
                label=words.STEPS[step],
                people=people,
                percent_of_referred=shown_percent(people, referred),
            )
            for step, people in counted
        ]

    def _wait(self, code: str, label: str) -> m.Wait:
        people = self._count(f"wait_{code}")
        days = self._tally.days[code]
        return m.Wait(
            code=code,
            label=label,
            people=people,
            referred=self._count("journey", "referred"),
            median_days=HELD_BACK if people == HELD_BACK else percentile(days, 50),
            ninetieth_percentile_days=HELD_BACK if people == HELD_BACK else percentile(days, 90),
        )

    def _lead(self, lead: LeadTime) -> m.Meetings:
        return self._meetings(lead, words.LEAD_TIMES[lead])

    def _meetings(self, code: str, label: str) -> m.Meetings:
        meetings, missed = self._count("meetings", code, ALL), self._count("meetings", code, "missed")
        return m.Meetings(
            code=code,
            label=label,
            meetings=meetings,
            did_not_come=missed,
            percent=shown_percent(missed, meetings),
        )

    def _shares(self, total: Name, parts: Iterable[tuple[str, str, Name]]) -> list[m.Share]:
        whole = self._count(*total)
        counted = [(code, label, self._count(*name)) for code, label, name in parts]
        return [
            m.Share(code=code, label=label, count=count, percent=shown_percent(count, whole))
            for code, label, count in counted
        ]

    def _breakdown(self, total: Name, labels: Mapping[Any, str], measure: str) -> m.Breakdown:
        parts = ((str(code), label, (measure, code)) for code, label in labels.items())
        return m.Breakdown(total=self._count(*total), parts=self._shares(total, parts))

    def _unmet(self) -> m.Unmet:
        total = ("unmet", ALL, ALL)
        reasons = ((str(r), label, ("unmet", ALL, r)) for r, label in words.UNMET_REASONS.items())
        needs = ((str(n), label, ("unmet", n, ALL)) for n, label in words.NEEDS.items())
        return m.Unmet(
            total=self._count(*total),
            by_reason=self._shares(total, reasons),
            by_need=self._shares(total, needs),
            by_need_and_reason=self._pairs(),
        )

    def _pairs(self) -> list[m.NeedAndReason]:
        return [
            m.NeedAndReason(need=need, need_label=of, reason=reason, reason_label=why, count=count)
            for need, of in words.NEEDS.items()
            for reason, why in words.UNMET_REASONS.items()
            if (count := self._count("unmet", need, reason))
        ]

    def _route(self, code: str, label: str) -> m.Route:
        referred = self._count(*(("journey", "referred") if code == ALL else ("contact", code, "referred")))
        reached = self._count("contact", code, "reached")
        return m.Route(
            code=code,
            label=label,
            referred=referred,
            reached=reached,
            percent=shown_percent(reached, referred),
        )

    def _follow_up(self) -> m.FollowUp:
        due, answered = self._count("follow_up", "due"), self._count("follow_up", "paired")
        return m.FollowUp(
            met=self._count("journey", "met"),
            before=self._count("follow_up", "before"),
            due=due,
            answered=answered,
            percent_of_due=shown_percent(answered, due),
            not_yet_due=self._count("follow_up", "later"),
        )

    def _item(self, item: str) -> m.Item:
        people = self._count("ons4", item, "n")
        return m.Item(
            code=item,
            label=words.ITEMS[item],
            better_when="lower" if item in LOW_IS_GOOD else "higher",
            people=people,
            better=self._count("ons4", item, "better"),
            same=self._count("ons4", item, "same"),
            worse=self._count("ons4", item, "worse"),
            **(dict.fromkeys(_MEANS, HELD_BACK) if people == HELD_BACK else self._means(item)),
        )

    def _means(self, item: str) -> dict[str, float | Literal["*"] | None]:
        scores = self._tally.scores[item]
        change = paired_change(scores.n, scores.before, scores.after, scores.squares)
        if change is None:
            return dict.fromkeys(_MEANS)
        return {
            "before": round(scores.before / scores.n, 2),
            "after": round(scores.after / scores.n, 2),
            "change": round(change.mean, 2),
            "low": None if change.low is None else round(change.low, 2),
            "high": None if change.high is None else round(change.high, 2),
        }


_MEANS = ("before", "after", "change", "low", "high")
