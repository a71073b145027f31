"""Suppressed counts do not follow from shown counts."""

from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.evaluation.disclosure.suppression import AtMost, Line, is_small, rounded, suppressed
from tests.harness.evaluation.table_attack import TOTAL, Key, recovered, with_totals

EXAMPLES = settings().max_examples
COUNTS = st.one_of(st.integers(0, 9), st.integers(0, 40), st.integers(0, 5000))


@pytest.mark.parametrize(
    ("count", "shown"), [(0, 0), (8, 10), (12, 10), (13, 15), (17, 15), (18, 20), (100, 100), (1003, 1005)]
)
def test_large_counts_are_rounded_to_the_nearest_5(count: int, shown: int) -> None:
    assert rounded(count) == shown
    assert not is_small(count)


def test_small_counts_are_1_to_7() -> None:
    assert [count for count in range(20) if is_small(count)] == [1, 2, 3, 4, 5, 6, 7]


def test_lone_small_count_suppresses_the_next_smallest() -> None:
    counts, lines = with_totals(
        {("meir",): 3, ("leek",): 20, ("shelton",): 90}, [["meir", "leek", "shelton"]]
    )
    assert suppressed(counts, lines) == {("meir",), ("leek",)}


def test_zero_that_gives_nothing_away_is_shown() -> None:
    counts, lines = with_totals({("meir",): 3, ("leek",): 0, ("shelton",): 9}, [["meir", "leek", "shelton"]])
    assert ("leek",) not in suppressed(counts, lines)


def test_total_that_is_not_its_parts_sum_is_refused() -> None:
    counts, lines = with_totals({("a",): 3, ("b",): 90}, ["ab"])
    counts["a",] = 4
    with pytest.raises(ValueError, match="not the sum"):
        suppressed(counts, lines)


def test_large_counts_are_not_suppressed() -> None:
    inner: dict[Key, int] = dict(zip(product("abc", "xyz"), [9] * 9, strict=True))
    assert not suppressed(*with_totals(inner, ["abc", "xyz"]))


def test_large_counts_with_one_solution_are_suppressed() -> None:
    """9 parts of at least 8 make at least 72, and 70 is at most 72: each would be 8."""
    inner: dict[Key, int] = {(name,): 8 for name in "abcdefghi"}
    assert rounded(72) == 70
    assert suppressed(*with_totals(inner, ["abcdefghi"]))


def test_order_that_counts_break_is_left_out() -> None:
    counts, lines = {"total": 40, "a": 20, "b": 20}, [Line("total", ("a", "b"))]
    assert not suppressed(counts, lines, [AtMost("total", "a")])


def test_total_that_only_four_sevens_make_is_suppressed() -> None:
    inner: dict[Key, int] = {("a",): 7, ("b",): 7, ("c",): 7, ("d",): 7}
    assert rounded(28) == 30
    assert (TOTAL,) in suppressed(*with_totals(inner, ["abcd"]))


def test_total_of_twelve_ones_is_suppressed() -> None:
    inner: dict[Key, int] = {(place,): 1 for place in "abcdefghijkl"}
    assert (TOTAL,) in suppressed(*with_totals(inner, ["abcdefghijkl"]))


def test_parts_of_small_total_are_suppressed_even_zeros() -> None:
    """Otherwise 7 parts that are not 0 would reveal that each is 1."""
    inner: dict[Key, int] = dict.fromkeys([("a",), ("b",), ("c",), ("d",), ("e",), ("f",), ("g",)], 1)
    counts, lines = with_totals(inner, ["abcdefgh"])
    assert suppressed(counts, lines) == counts.keys()


def test_sparse_table_still_shows_its_totals() -> None:
    inner: dict[Key, int] = {
        (place, need): (at * 7) % 3 for at, (place, need) in enumerate(product("abcd", "uvwxyz"))
    }
    assert (TOTAL, TOTAL) not in suppressed(*with_totals(inner, ["abcd", "uvwxyz"]))


def test_rows_of_three_are_all_safe() -> None:
    """Tries all rows with counts up to 16."""
    for counts in product(range(17), repeat=3):
        inner: dict[Key, int] = {("a",): counts[0], ("b",): counts[1], ("c",): counts[2]}
        assert not recovered(inner, ["abc"]), counts


@given(st.lists(COUNTS, min_size=4, max_size=4))
@example([7, 7, 7, 7])
@example([1, 8, 13, 8])
@example([0, 1, 13, 8])
@example([0, 7, 11, 10])
def test_two_by_two_tables_are_safe(counts: list[int]) -> None:
    inner: dict[Key, int] = dict(zip(product("ab", "xy"), counts, strict=True))
    assert not recovered(inner, ["ab", "xy"])


@settings(max_examples=EXAMPLES // 5)
@given(st.lists(COUNTS, min_size=6, max_size=6))
@example([1, 0, 0, 1, 6, 7])
def test_localities_by_reason_are_safe(counts: list[int]) -> None:
    inner: dict[Key, int] = dict(zip(product("abc", "xy"), counts, strict=True))
    assert not recovered(inner, ["abc", "xy"], reach=2)


@settings(max_examples=EXAMPLES // 10)
@given(st.lists(COUNTS, min_size=8, max_size=8))
def test_localities_by_reason_by_quarter_are_safe(counts: list[int]) -> None:
    inner: dict[Key, int] = dict(zip(product("ab", "xy", "12"), counts, strict=True))
    assert not recovered(inner, ["ab", "xy", "12"], reach=1)
