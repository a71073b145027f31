"""Names that may be one person's, and names of two people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.platform.people.name_comparison import FullName, NameMatch, compare_names

names = st.builds(FullName, st.text(max_size=12), st.text(min_size=1, max_size=12))


def compared(known: str, told: str) -> NameMatch:
    """Of two names written "Given / Family"."""
    first, second = (FullName(*(part.strip() for part in name.split("/"))) for name in (known, told))
    assert compare_names(first, second) is compare_names(second, first)
    return compare_names(first, second)


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ("Anne / Smith", "ANNE / smith"),
        ("Mary-Jane / O'Neill", "Mary Jane / O’NEILL"),
        ("Anne / Smith-Jones", "Anne / Smith Jones"),
        ("/ Suharto", "/ SUHARTO"),
        ("Jane / McDonald", "Jane / Mc Donald"),
        ("Siân / Pugh", "Sia\u0302n / Pugh"),
        ("Łukasz / Nowak", "ŁUKASZ / NOWAK"),
    ],
)
def test_names_spelt_alike_are_the_same(known: str, told: str) -> None:
    assert compared(known, told) is NameMatch.SAME


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ("Siân / Pugh", "Sian / Pugh"),
        ("Łukasz / Nowak", "Lukasz / Nowak"),
        ("Bjørn / Sæther", "Bjorn / Saether"),
        ("Đorđe / Petrović", "Dorde / Petrovic"),
        ("Jürgen / Müller", "Juergen / Mueller"),
        ("Priya / Wainwright", "Priya / Hollinshead"),
        ("Liz / Taylor", "Elizabeth / Burton"),
        ("William / Cartwright", "Bill / Cartwright"),
        ("Mohammed / Khan", "Md / Khan"),
        ("Mohammed / Khan", "Muhammad / Khan"),
        ("Katherine / Adams", "Cathy / Adams"),
        ("Jane / Smith", "Jnae / Smith"),
        ("Jane / Smith", "Jane / Smyth"),
        ("Jonathan / Fairweather", "Jonathon / Fairwether"),
        ("Anne / Smith-Jones", "Anne / Smith"),
        ("Anne / Smith-Jones", "Anne / Jones-Smith"),
        ("Anne / Smith", "Smith / Anne"),
        ("Wei / Zhang", "Zhang / Wei"),
        ("Mary Jane / Smith", "Jane / Smith"),
        ("Maria del / Carmen Lopez", "Maria / del Carmen Lopez"),
        ("J / Smith", "John / Smith"),
        ("Ann / Smith", "Anne / Smith"),
        ("Kiran / Patel", "Karan / Patel"),
        ("Mr / Smith", "John / Smith"),
        ("/ Suharto", "Haji / Suharto"),
        ("/ Suharto", "Suharto / Wibowo"),
        ("Mohammed / Ali", "محمد / علی"),
        ("Mrs Anne / Smith", "Anne / Smith"),
    ],
)
def test_names_that_one_person_may_have_are_similar(known: str, told: str) -> None:
    assert compared(known, told) is NameMatch.SIMILAR


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ("Ottoline / Quillfeather", "Barnaby / Marchbanks"),
        ("Thomas / Underhay", "Sarah / Underhay"),
        ("Tim / Underhay", "Tom / Underhay"),
        ("Hassan / Khan", "Hussain / Khan"),
        ("Patrick / Doyle", "Patricia / Doyle"),
        ("Alexander / Reid", "Alexandra / Reid"),
        ("J / Smith", "J / Brown"),
        ("June / Brown", "Jane / Smith"),
        ("/ Suharto", "/ Sukarno"),
        ("/ Suharto", "Megan / Wibowo"),
        ("李 / 王", "张 / 陈"),
        ("Mr / Smith", "Mr / Brown"),
    ],
)
def test_names_of_two_people_are_different(known: str, told: str) -> None:
    assert compared(known, told) is NameMatch.DIFFERENT


@given(names, names)
def test_names_compare_in_either_order(first: FullName, second: FullName) -> None:
    assert compare_names(first, second) is compare_names(second, first)
    assert compare_names(first, first) is NameMatch.SAME
