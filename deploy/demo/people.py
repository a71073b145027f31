"""Invented people: names from short lists, unassigned numbers, an invented house at a real postcode."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from shared.platform.localities.postcodes import Place
from shared.platform.people.nhs_number import check_digit

GIVEN_NAMES = (
    "Ada", "Aaliyah", "Alan", "Amir", "Barbara", "Bilal", "Brenda", "Callum", "Chloe", "Clive",
    "Dawn", "Doreen", "Elsie", "Ewa", "Fatima", "Geoff", "Gillian", "Hamza", "Hazel", "Irene",
    "Jean", "Karl", "Kath", "Leon", "Lorna", "Malik", "Mavis", "Nasreen", "Norman", "Olive",
    "Pawel", "Pearl", "Ray", "Rosa", "Sheila", "Tina", "Trevor", "Vera", "Winston",
)  # fmt: skip
FAMILY_NAMES = (
    "Abbotsley", "Barlowe", "Birchenough", "Clowesby", "Cottrellow", "Daltonby", "Eardleigh",
    "Fallowes", "Forresterby", "Greatbatchley", "Hackneyson", "Hassallow", "Jervisby", "Kelsallow",
    "Lymerson", "Malkinby", "Nixonby", "Oakdenfield", "Pooleworth", "Quarmbyson", "Rowleystone",
    "Salterley", "Tamsby", "Underhillson", "Vyseman", "Warrilowe", "Yoxallby",
)  # fmt: skip
STREETS = (
    "Saggar Street", "Bottle Kiln Row", "Slipware Close", "Marl Hole Lane", "Placer Street", "Glaze Gardens",
    "Pug Mill Way", "Throwers Walk", "Spout Street", "Lathe Court",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person."""

    given_name: str
    family_name: str
    date_of_birth: date
    nhs_number: str
    house: str
    postcode: str
    mobile: str
    landline: str


def person(number: int, rng: random.Random, home: Place, age: int, today: date) -> Person:
    """The invented person of this number (0 to 499) and age in years."""
    born = date(today.year - age - 1, today.month, min(today.day, 28)) + timedelta(days=rng.randrange(1, 365))
    return Person(
        given_name=rng.choice(GIVEN_NAMES),
        family_name=rng.choice(FAMILY_NAMES),
        date_of_birth=born,
        nhs_number=nhs_number(number),
        house=f"{rng.randrange(1, 98)} {rng.choice(STREETS)}",
        postcode=home.postcode,
        mobile=f"07700 900{500 + number:03}",
        landline=f"01632 960{500 + number:03}",
    )


def nhs_number(number: int) -> str:
    """A number that starts with 999, as test numbers do, with a valid check digit."""
    first_nine = 999_200_000 + 1_000 * number
    while (digit := check_digit(str(first_nine))) is None:
        first_nine += 1
    return f"{first_nine}{digit}"
