"""The plan and the scores on the case page: personal priorities, goals, and questionnaires over time."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.matching.casework.pages.record_form import ONS4
from services.matching.referral_state.views import CaseShown
from shared.contract import labels
from shared.contract.events import vocabulary as v
from shared.platform.web.dates import short_day


@dataclass(frozen=True, slots=True)
class GoalRow:
    """One goal. `words` are the person's own; None if the vault cannot be reached."""

    words: str | None
    need: str
    importance: int | None
    confidence: int | None


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """The answers to one questionnaire: a row for each item, a column for each time."""

    title: str
    asked: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def words_of_plan(case: CaseShown) -> list[str]:
    """Ids of the notes in the vault with the person's priorities and goals."""
    plan = case.story.plan
    if plan is None:
        return []
    return [note for note in (plan.what_matters, *(goal.words for goal in plan.goals)) if note]


def goals(case: CaseShown, notes: Mapping[str, str]) -> list[GoalRow]:
    """The goals of the current plan."""
    plan = case.story.plan
    return [
        GoalRow(notes.get(goal.words or ""), labels.NEEDS[goal.need.value], goal.importance, goal.confidence)
        for goal in (plan.goals if plan else ())
    ]


def scores(case: CaseShown) -> list[ScoreTable]:
    """A table for each answered questionnaire, in order of time."""
    found = []
    for instrument in v.Instrument:
        times = [
            case.story.measured[instrument, stage][0]
            for stage in v.Stage
            if (instrument, stage) in case.story.measured
        ]
        if not times:
            continue
        items = {item: None for measured in times for item in measured.scores}
        asked = tuple(f"{labels.MEASURED_AT[each.stage]}, {short_day(each.on)}" for each in times)
        rows = tuple(
            (labels.ITEMS.get(item, item), tuple(str(each.scores.get(item, "–")) for each in times))
            for item in _in_order(items)
        )
        found.append(ScoreTable(labels.INSTRUMENTS[instrument], asked, rows))
    return found


_ORDER = [question.item for question in ONS4]


def _in_order(items: Mapping[str, None]) -> list[str]:
    return sorted(items, key=lambda item: (_ORDER.index(item) if item in _ORDER else len(_ORDER), item))
