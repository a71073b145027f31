"""Incremental sums and totals equal those read afresh, whatever changed in between."""

from collections.abc import Mapping
from datetime import date

from bson import encode
from hypothesis import given, settings
from hypothesis import strategies as st

from services.evaluation.contributions.measures import Contribution, MeasureKey
from services.evaluation.totals.periods import Calendar, Period
from services.evaluation.totals.repository import IncrementalSums, Rows
from services.evaluation.totals.totals import Totals, TotalsCalculator

# Rows by locality, month and shard.
State = dict[tuple[str, str, int], dict[str, dict[str, int]]]
PLACES = ("meir", "longton", "shelton")
MONTHS = ("2026-01", "2026-02", "2026-05")
CALENDAR = Calendar(date(2026, 1, 5), date(2026, 6, 30))
EXAMPLES = settings().max_examples
COUNTS = {
    "journey": ("referred", "met"),
    "wait_met": ("3", "12"),
    "ons4": ("life_satisfaction:n", "life_satisfaction:before", "life_satisfaction:squares"),
    "follow_up": ("open:2026-05-01", "paired"),
}

# The numbers of one row.
numbers = st.fixed_dictionaries(
    {},
    optional={
        measure: st.dictionaries(st.sampled_from(keys), st.integers(-3, 20))
        for measure, keys in COUNTS.items()
    },
)
# All rows at one moment.
states = st.dictionaries(
    st.tuples(st.sampled_from(PLACES), st.sampled_from(MONTHS), st.integers(0, 1)), numbers
)


def rows_of(state: State) -> Rows:
    return frozenset(
        encode({"_id": f"{place}|{month}|{shard}", "locality": place, "period": month, "n": counts})
        for (place, month, shard), counts in state.items()
    )


def not_zero(sums: Mapping[str, Contribution]) -> dict[str, dict[MeasureKey, int]]:
    some = {place: {cell: n for cell, n in counted.items() if n} for place, counted in sums.items()}
    return {place: counted for place, counted in some.items() if counted}


def nonzero(totals: Mapping[tuple[str, Period], Totals]) -> dict[object, object]:
    """The numbers of totals; a count of 0 equals none."""
    return {
        at: (
            +found.counts,
            -found.counts,
            {
                name: {day: n for day, n in days.items() if n}
                for name, days in found.days.items()
                if any(days.values())
            },
            {
                item: s
                for item, s in found.scores.items()
                if (s.n, s.before, s.after, s.squares) != (0, 0, 0, 0)
            },
        )
        for at, found in totals.items()
    }


@settings(max_examples=EXAMPLES // 4)
@given(st.lists(states, max_size=6))
def test_incremental_sums_equal_sums_read_afresh(moments: list[State]) -> None:
    again = IncrementalSums()
    for state in moments:
        rows = rows_of(state)
        assert not_zero(again.sums(rows)) == not_zero(IncrementalSums().sums(rows))


@settings(max_examples=EXAMPLES // 4)
@given(st.lists(states, max_size=5))
def test_incremental_totals_equal_totals_counted_afresh(moments: list[State]) -> None:
    periods = [CALENDAR.since_start, *CALENDAR.quarters]
    added_up, again = IncrementalSums(), TotalsCalculator(periods, PLACES, CALENDAR.today)
    for state in moments:
        sums = added_up.sums(rows_of(state))
        fresh = TotalsCalculator(periods, PLACES, CALENDAR.today)
        assert nonzero(again.totals(sums)) == nonzero(fresh.totals(sums))


def test_incremental_sums_keep_unchanged_localities() -> None:
    added_up = IncrementalSums()
    before = added_up.sums(
        rows_of({("meir", "2026-01", 0): {"journey": {"met": 1}}, ("longton", "2026-01", 0): {}})
    )
    meir = dict(before["meir"])
    after = added_up.sums(
        rows_of({("meir", "2026-01", 0): {"journey": {"met": 2}}, ("longton", "2026-01", 0): {}})
    )
    assert after["longton"] is before["longton"]
    assert after["meir"] == {MeasureKey("journey", "2026-01", "met"): 2}
    assert before["meir"] == meir, "an answer that is being worked out has changed"
