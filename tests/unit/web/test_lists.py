"""Filters, order and pages of lists, as addresses hold them."""

import pytest

from shared.platform.web.lists import ListShape, part_of

SHAPE = ListShape(
    "example", {"stage": ["met", "booked"], "waiting": ["7", "14"]}, ("next", "made"), {"group": "a"}
)


def test_choice_comes_back_from_its_own_address() -> None:
    for query in ("", "stage=met", "stage=met&sort=-made&page=3", "sort=-next", "waiting=14&page=2"):
        choice = SHAPE.parse(query)
        assert SHAPE.parse(choice.query.removeprefix("?")) == choice
        assert choice.query.startswith("?group=a")
        assert choice.on_page(1).query.removeprefix("?") == choice.kept


@pytest.mark.parametrize(
    "query", ["stage=Mary", "sort=name", "page=-1", "page=x", "page=²", "page=", "who=Mary"]
)
def test_unknown_values_are_left_out(query: str) -> None:
    choice = SHAPE.parse(query)
    assert choice == SHAPE.parse("")
    assert "Mary" not in choice.query


def test_sorting_twice_by_a_column_turns_the_order() -> None:
    choice = SHAPE.parse("stage=met&page=4")
    made = choice.sorted_by("made")
    assert (made.column, made.descending, made.page, made.get("stage")) == ("made", False, 1, "met")
    assert made.sorted_by("made").descending
    assert not made.sorted_by("made").sorted_by("made").descending
    assert choice.sorted_by("next").descending  # It is the order already.


def test_kept_filter_applies_where_an_address_chooses_nothing() -> None:
    assert not SHAPE.chooses({"group": "a"})
    for name in ("stage", "sort", "page", "all"):
        assert SHAPE.chooses({name: ""})
    assert SHAPE.chooses(dict([SHAPE.parse("").query.rpartition("&")[2].split("=")]))
    assert SHAPE.parse("stage=met").unfiltered() == SHAPE.parse("")


def test_part_holds_its_page_and_the_last_one_beyond_the_end() -> None:
    items = list(range(60))
    assert part_of(items, 1).items == items[:25]
    assert (part_of(items, 3).items, part_of(items, 3).pages) == (items[50:], 3)
    assert (part_of(items, 9).items, part_of(items, 9).page) == (items[50:], 3)
    assert (part_of([], 2).items, part_of([], 2).pages, part_of([], 2).total) == ([], 1, 0)
