"""The most frequent are chosen by shown counts, and ties are named as ties."""

import pytest

from services.evaluation.disclosure.view import DisclosedCount
from services.evaluation.pages.needs import MAX_GAPS, largest_gaps, most_often
from services.evaluation.pages.sections import most_frequent_in_words
from services.evaluation.reports.model import NeedAndReason, Share


def parts(*counts: DisclosedCount) -> list[Share]:
    return [
        Share(code=name, label=name.upper(), count=count)
        for name, count in zip("abcdef", counts, strict=False)
    ]


@pytest.mark.parametrize(
    ("counts", "cell", "sentence"),
    [
        ((10, 15, 0), "B (15)", "Most often for: b (15)."),
        ((10, 10, 0), "A and B (10 each)", "Most often, shown with 10 each, for: a and b."),
        ((10, 10, 10, 10), "4 tie (10 each)", "Most often, shown with 10 each, for: a, b, c and d."),
        ((10, "*", 8), "A (10, of those shown)", "Of the needs with a count, most often for: a (10)."),
        (("*", "*"), "*", ""),
        ((0, 0), "–", ""),
    ],
)
def test_most_frequent_names_all_ties(counts: tuple[DisclosedCount, ...], cell: str, sentence: str) -> None:
    assert most_frequent_in_words(parts(*counts)) == cell
    assert most_often(parts(*counts)) == sentence


def test_largest_gaps_end_after_a_tie() -> None:
    counts: list[DisclosedCount] = [20, *[10] * MAX_GAPS, 5, "*"]
    pairs = [
        NeedAndReason(need=str(at), need_label="", reason="", reason_label="", count=count)
        for at, count in enumerate(counts)
    ]
    assert [pair.count for pair in largest_gaps(pairs)] == [20, *[10] * MAX_GAPS]
