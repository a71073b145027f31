"""Invented people to refer: NHS numbers starting 999, drama telephones, postcodes that exist."""

from itertools import count
from typing import Any

from shared.platform.people.nhs_number import check_digit

_numbers = count(1)
_FIRST = ("Ottoline", "Barnaby", "Cressida", "Peregrine", "Hephzibah", "Tobias")
_LAST = ("Quillfeather", "Marchbanks", "Thistlewood", "Underhay", "Pennyfold", "Larkspur")


def nhs_number() -> str:
    """A number that no other call returns."""
    while True:
        first_nine = f"999{next(_numbers) % 1_000_000:06d}"
        digit = check_digit(first_nine)
        if digit is not None:
            return f"{first_nine}{digit}"


def referral_body(**different: Any) -> dict[str, Any]:
    """A valid referral of a new person. None leaves a field out."""
    number = nhs_number()
    pick = int(number[3:9])
    whole = {
        "practice": "M83100",
        "nhs_number": number,
        "date_of_birth": f"19{40 + pick % 50}-0{1 + pick % 9}-1{pick % 10}",
        "given_name": _FIRST[pick % len(_FIRST)],
        "family_name": f"{_LAST[pick % len(_LAST)]}-{_word(pick)}",
        "house": f"{pick} Gooseberry Row",
        "postcode": "ST3 6AB",
        "telephone": f"07700 900{pick % 1000:03d}",
        "safe_to_text": "yes",
        "needs": ["debt", "befriending"],
        "risk": "none_known",
        "agreed": True,
        "agreed_by": "person",
        "agreed_how": "in_person",
    } | different
    return {field: value for field, value in whole.items() if value is not None}


def _word(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def form_fields(request: dict[str, Any]) -> dict[str, Any]:
    """The same referral as form fields."""
    year, month, day = request["date_of_birth"].split("-")
    parts = {"date_of_birth-day": day, "date_of_birth-month": month, "date_of_birth-year": year}
    fields = {name: value for name, value in request.items() if name not in ("date_of_birth", "practice")}
    return {name: "yes" if value is True else value for name, value in (fields | parts).items()}
