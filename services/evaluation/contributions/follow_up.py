"""The four ONS questions before and after, and whether the second time is due.

A follow-up falls due 12 weeks after the first answers, or when the referral is closed, whichever comes
first. Whether that day has come is not known here: a follow-up without answers is counted under its day
("open:2026-05-04") and the report adds up the days until today, so that no stored number goes stale
overnight.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta

from services.evaluation.contributions.measures import Cell, Contribution, month
from services.evaluation.contributions.vocabulary import ITEMS, LOW_IS_GOOD
from shared.contract.events import vocabulary as v
from shared.contract.history import ReferralHistory
from shared.platform.clock import london_day

FOLLOW_UP_AFTER = timedelta(weeks=12)


def follow_up_cells(story: ReferralHistory) -> Contribution:
    """Cells of the measures `follow_up` (people) and `ons4` (answers of those who answered twice)."""
    before = story.measured.get((v.Instrument.ONS4, v.Stage.BEFORE))
    if before is None:
        return {}
    first, _ = before
    period = month(first.on)
    cells = Counter({Cell("follow_up", period, "before"): 1})
    after = story.measured.get((v.Instrument.ONS4, v.Stage.AFTER))
    if after is not None and first.scores.keys() & after[0].scores.keys():
        cells[Cell("follow_up", period, "paired")] += 1
        for key, number in _pairs(first.scores, after[0].scores).items():
            cells[Cell("ons4", period, key)] += number
    elif not _died(story):
        cells[Cell("follow_up", period, f"open:{_due(first.on, story).isoformat()}")] += 1
    return cells


def _due(first: date, story: ReferralHistory) -> date:
    closed = min((london_day(ending.said.time) for ending in story.endings), default=None)
    twelve_weeks = min(first, date.max - FOLLOW_UP_AFTER) + FOLLOW_UP_AFTER
    return twelve_weeks if closed is None else max(first, min(twelve_weeks, closed))


def _died(story: ReferralHistory) -> bool:
    """Nobody is asked again, so nothing is missing."""
    return any(ending.reason == v.CloseReason.DIED.value for ending in story.endings)


def _pairs(before: Mapping[str, int], after: Mapping[str, int]) -> Counter[str]:
    """Of each item answered twice: n, both sums, the sum of squared changes, and who moved which way."""
    cells: Counter[str] = Counter()
    for item in ITEMS:
        if item not in before or item not in after:
            continue
        change = after[item] - before[item]
        gain = -change if item in LOW_IS_GOOD else change
        moved = "better" if gain > 0 else "worse" if gain < 0 else "same"
        cells[f"{item}:n"] += 1
        cells[f"{item}:before"] += before[item]
        cells[f"{item}:after"] += after[item]
        cells[f"{item}:squares"] += change * change
        cells[f"{item}:{moved}"] += 1
    return cells
