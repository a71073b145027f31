"""People of a journey: one invented person a locality, none of whose details occur anywhere else.

No list, template or directory holds these names, streets and sentences. If one of them turns up afterwards,
it came from here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

from deploy.demo.services import DIRECTORY
from shared.platform.localities import Localities, Practice
from shared.platform.localities.postcodes import places
from shared.platform.people.nhs_number import check_digit, spaced

_GIVEN = ("Quorlinda", "Zephrastus", "Ombeline", "Tarquorin", "Wilhexa", "Yngvarda", "Ixworthy", "Ulverina")
_FAMILY = ("Zanthwickle", "Brobdinghay", "Quexlemere", "Vorplestone", "Jexwardine", "Oxgangley")
_STREETS = ("Gribblewick Steps", "Nuzzlepot Fold", "Quagmire Ginnel", "Wobbleton Entry")
# All invented people, for tests that look for traces of them.
EVERYBODY: list["Person"] = []
_numbers = count(1)


@dataclass(frozen=True)
class Person:
    """A person to refer. `body` is that of `POST /referrals`. The texts are written about them later."""

    practice: Practice
    body: Mapping[str, Any]
    what_matters: str
    goal: str
    note: str

    @property
    def name(self) -> str:
        return f"{self.body['given_name']} {self.body['family_name']}"

    def private(self) -> Iterator[str]:
        """Every detail that only the vault may hold, in each form in which it might be written."""
        body = self.body
        yield from (body["given_name"], body["family_name"], body["house"])
        yield from (self.what_matters, self.goal, self.note)
        yield from (body[line] for line in ("reason", "risk_line") if line in body)
        yield from (body["postcode"], body["postcode"].replace(" ", ""))
        yield from (body["nhs_number"], spaced(body["nhs_number"]))
        yield from (body["date_of_birth"], "/".join(reversed(body["date_of_birth"].split("-"))))
        dialled = body["telephone"].replace(" ", "")
        yield from (body["telephone"], dialled, f"+44{dialled[1:]}", f"44{dialled[1:]}")


def nhs_number() -> str:
    """An unassigned number, starting 999 as test numbers do. No two calls return the same."""
    while True:
        first_nine = f"9997{next(_numbers):05d}"
        if (digit := check_digit(first_nine)) is not None:
            return f"{first_nine}{digit}"


def somebody(at: Practice, localities: Localities, **different: Any) -> Person:
    """A new person over 60 near that practice, in debt, who may be texted.

    Leek has no debt advice, and a lunch club for people of 55 and over: a younger person finds nothing there.
    """
    n = next(_numbers)
    given, family = (f"{names[n % len(names)]}-{_letters(n)}" for names in (_GIVEN, _FAMILY))
    body = {
        "practice": at.ods,
        "nhs_number": nhs_number(),
        "date_of_birth": f"19{50 + n % 15}-{1 + n % 12:02d}-{11 + n % 17}",
        "given_name": given,
        "family_name": family,
        "house": f"{100 + n} {_STREETS[n % len(_STREETS)]}",
        "postcode": _home(at, localities, n),
        "telephone": f"07700 900{n % 1000:03d}",
        "safe_to_text": "yes",
        "needs": ["debt"],
        "reason": f"Letters from the bailiff lie unopened, said {_letters(n)} of the ferrets.",
        "risk": "see_note",
        "risk_line": f"A goose named {_letters(n)} guards the gate and bites.",
        "agreed": True,
        "agreed_by": "person",
        "agreed_how": "in_person",
    } | different
    person = Person(
        at,
        {name: value for name, value in body.items() if value is not None},
        what_matters=f"To hear the kettle of aunt {_letters(n)} sing again.",
        goal=f"Sort the biscuit tin of {_letters(n)} and what is owed in it.",
        note=f"Wept over the late parrot {_letters(n)}.",
    )
    EVERYBODY.append(person)
    return person


def _home(practice: Practice, localities: Localities, n: int) -> str:
    """A postcode near the practice that exists, without a practice or a service."""
    taken = {each.postcode for locality in localities for each in locality.practices} | _of_services()
    near = _in_sector(practice.postcode[:-2])
    return [postcode for postcode in near if postcode not in taken][-(1 + n % 9)]


@cache
def _in_sector(sector: str) -> tuple[str, ...]:
    return tuple(each.postcode for each in places() if each.postcode.startswith(sector))


@cache
def _of_services() -> frozenset[str]:
    """Every text in the demonstration's directory that looks like a postcode."""
    text = "".join(path.read_text("utf-8") for path in DIRECTORY.glob("*.json")).upper()
    return frozenset(re.findall(r"ST\d{1,2} \d[A-Z]{2}", text))


def _letters(number: int) -> str:
    """A number as a word that exists nowhere."""
    return "xq" + "".join("bcdfghjklm"[int(digit)] for digit in f"{number:03d}")
