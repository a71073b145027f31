"""Counts the four ONS questions before and after, and whether the follow-up is due.

A follow-up falls due 12 weeks after the first answers, or when the referral is closed, whichever comes first.
The fold does not know today's date. An unanswered follow-up is therefore counted under its day
("open:2026-05-04"), and the report adds up the days until today. So no stored number goes stale overnight.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from services.evaluation.contributions.measures import Contribution, MeasureKey, month
from services.evaluation.contributions.vocabulary import ITEMS, LOW_IS_GOOD
from shared.contract.events import vocabulary as v
from shared.contract.history import ReferralHistory
from shared.platform.clock import london_day

FOLLOW_UP_AFTER: Final = timedelta(weeks=12)


def follow_up_measures(history: ReferralHistory) -> Contribution:
    """Counts `follow_up` (people) and `ons4` (answers of people who answered twice)."""
    before = history.measured.get((v.Instrument.ONS4, v.Stage.BEFORE))
    if before is None:
        return {}
    first, _ = before
    period = month(first.on)
    counted = Counter({MeasureKey("follow_up", period, "before"): 1})
    after = history.measured.get((v.Instrument.ONS4, v.Stage.AFTER))
    if after is not None and first.scores.keys() & after[0].scores.keys():
        counted[MeasureKey("follow_up", period, "paired")] += 1
        for key, number in _pairs(first.scores, after[0].scores).items():
            counted[MeasureKey("ons4", period, key)] += number
    elif not _died(history):
        counted[MeasureKey("follow_up", period, f"open:{_due_day(first.on, history).isoformat()}")] += 1
    return counted


def _due_day(first: date, history: ReferralHistory) -> date:
    closed = min((london_day(ending.said.time) for ending in history.endings), default=None)
    twelve_weeks = min(first, date.max - FOLLOW_UP_AFTER) + FOLLOW_UP_AFTER
    return twelve_weeks if closed is None else max(first, min(twelve_weeks, closed))


def _died(history: ReferralHistory) -> bool:
    """Tests for a death, after which no answer is missing."""
    return any(ending.reason == v.CloseReason.DIED.value for ending in history.endings)


def _pairs(before: Mapping[str, int], after: Mapping[str, int]) -> Counter[str]:
    """Counts each item answered twice: n, both sums, the sum of squared changes, better, same or worse."""
    counted: Counter[str] = Counter()
    for item in ITEMS:
        if item not in before or item not in after:
            continue
        change = after[item] - before[item]
        gain = -change if item in LOW_IS_GOOD else change
        moved = "better" if gain > 0 else "worse" if gain < 0 else "same"
        counted[f"{item}:n"] += 1
        counted[f"{item}:before"] += before[item]
        counted[f"{item}:after"] += after[item]
        counted[f"{item}:squares"] += change * change
        counted[f"{item}:{moved}"] += 1
    return counted
