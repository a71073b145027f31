"""Availability of a service: recent statements first, then the directory's entry."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.directory.availability import HOLDS, Availability, Told, Word, availability, in_words
from services.matching.directory.feed.model import Capacity

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LISTED = st.none() | st.sampled_from(Capacity)
TOLD = st.lists(
    st.builds(
        Told,
        st.sampled_from(Word),
        st.integers(0, 100 * 24).map(lambda hours: NOW - timedelta(hours=hours)),
    ),
    max_size=6,
)


def told(word: Word, days_ago: float) -> Told:
    return Told(word, NOW - timedelta(days=days_ago))


@pytest.mark.parametrize(
    ("listed", "said", "words"),
    [
        (None, (), ""),
        (Capacity.CAPACITY, (), "Takes people now"),
        (Capacity.NO_CAPACITY, (), "Full, says the directory"),
        (Capacity.WAITLIST, (), "Has a waiting list"),
        (Capacity.CAPACITY, (told(Word.FULL, 3),), "Full since 20 November"),
        (Capacity.CAPACITY, (told(Word.FULL, 3), told(Word.FULL, 9)), "Full since 14 November"),
        (Capacity.CAPACITY, (told(Word.FULL, 61),), "Takes people now"),
        (Capacity.CAPACITY, (told(Word.WAITING_LIST, 2),), "Has a waiting list, as they said on 21 November"),
        (Capacity.CAPACITY, (told(Word.FULL, 9), told(Word.TOOK_SOMEBODY, 2)), "Takes people now"),
        (Capacity.NO_CAPACITY, (told(Word.TOOK_SOMEBODY, 2),), "Full, says the directory"),
        (Capacity.NO_CAPACITY, (told(Word.FREE, 2),), "Places free, as they said on 21 November"),
        (None, (told(Word.FULL, 9), told(Word.FREE, 2)), "Places free, as they said on 21 November"),
        (None, (told(Word.FULL, 2), told(Word.FREE, 9)), "Full since 21 November"),
        (
            Capacity.NO_CAPACITY,
            (told(Word.FULL, 20), told(Word.FREE, 9), told(Word.TOOK_SOMEBODY, 2)),
            "Places free, as they said on 14 November",
        ),
        (None, (told(Word.FREE, 61), told(Word.FULL, 70)), ""),
    ],
)
def test_availability_is_the_latest_word_of_60_days(
    listed: Capacity | None, said: tuple[Told, ...], words: str
) -> None:
    assert in_words(availability(listed, said, NOW)) == words


@given(LISTED, TOLD, st.data())
def test_availability_does_not_depend_on_the_order_told(
    listed: Capacity | None, said: list[Told], data: st.DataObject
) -> None:
    # Of two words at one moment neither is the later: each moment once.
    once = list({one.at: one for one in said}.values())
    shuffled = data.draw(st.permutations(once))
    assert availability(listed, shuffled, NOW) == availability(listed, once, NOW)


@given(LISTED, TOLD)
def test_a_later_full_always_wins(listed: Capacity | None, said: list[Told]) -> None:
    found = availability(listed, [*said, Told(Word.FULL, NOW + timedelta(seconds=1))], NOW)
    assert found.full
    assert found.since is not None


@given(LISTED, TOLD)
def test_what_was_said_lapses_after_60_days(listed: Capacity | None, said: list[Told]) -> None:
    assert availability(listed, said, NOW + HOLDS) == Availability(listed)


def test_a_day_is_told_as_in_london() -> None:
    late = Told(Word.FULL, datetime(2026, 7, 1, 23, 30, tzinfo=UTC))
    assert availability(None, [late], late.at).since == date(2026, 7, 2)
