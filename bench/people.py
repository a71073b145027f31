"""Invented people and link workers, as many as a measurement needs."""

from collections.abc import Iterable, Iterator
from itertools import count, cycle
from typing import Any

from shared.platform.localities import Locality
from shared.platform.people.nhs_number import check_digit

ALL_DAY = [
    {"weekday": weekday, "opens": "08:00", "closes": "18:00", "place": "Room 1"} for weekday in range(5)
]
WORKERS = 2


def link_workers(locality: Locality) -> Iterator[dict[str, Any]]:
    """Enough link workers that no referral waits: 40 short meetings a day each, at every practice."""
    practices = [practice.ods for practice in locality.practices]
    for number in range(1, WORKERS + 1):
        yield {
            "id": f"lw-{locality.slug}-{number}",
            "locality": locality.slug,
            "name": f"Worker {number} of {locality.name}",
            "email": f"worker-{number}@{locality.slug}.example",
            "telephone": "01632 960499",
            "hours": [hours | {"practices": practices} for hours in ALL_DAY],
            "meeting_minutes": 15,
            "caseload_limit": 1000,
        }


def referrals(localities: Iterable[Locality]) -> Iterator[dict[str, Any]]:
    """Bodies of referrals, without end, of each locality in turn."""
    turns = cycle([cycle(locality.practices) for locality in localities])
    for number, turn in zip(count(), turns, strict=False):
        practice = next(turn)
        yield {
            "practice": practice.ods,
            "nhs_number": _nhs_number(number),
            "date_of_birth": f"19{40 + number % 60}-0{1 + number % 9}-1{number % 10}",
            "given_name": "Example",
            "family_name": f"Person {_letters(number)}",
            "house": f"{number} Example Street",
            "postcode": practice.postcode,
            "telephone": f"07700 900{number % 1000:03d}",
            "safe_to_text": "yes",
            "needs": ["debt", "befriending"],
            "reason": "A line of reason, as most referrals have one.",
            "risk": "none_known",
            "agreed": True,
            "agreed_by": "person",
            "agreed_how": "in_person",
        }


def _nhs_number(number: int) -> str:
    first_nine = 999_000_000 + 10 * number
    while (digit := check_digit(str(first_nine))) is None:
        first_nine += 1
    return f"{first_nine}{digit}"


def _letters(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in str(number))
