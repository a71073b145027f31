"""From a date of birth to an age and an age band."""

from __future__ import annotations

from datetime import date

from shared.contract.events.vocabulary import AgeBand
from shared.platform.people.refusals import NotAccepted

OLDEST = 125
# The first age of each band, the oldest band first.
BANDS = (
    (85, AgeBand.FROM_85),
    (75, AgeBand.FROM_75),
    (65, AgeBand.FROM_65),
    (55, AgeBand.FROM_55),
    (45, AgeBand.FROM_45),
    (35, AgeBand.FROM_35),
    (25, AgeBand.FROM_25),
    (18, AgeBand.FROM_18),
    (0, AgeBand.UNDER_18),
)


class DateOfBirthError(NotAccepted):
    """`date_of_birth_future`, `date_of_birth_too_long_ago` or `under_minimum_age`."""


def age_on(born: date, day: date) -> int:
    """Whole years. Who was born on 29 February grows older on 1 March in a common year.

    Raises DateOfBirthError for a day before birth.
    """
    if day < born:
        raise DateOfBirthError("date_of_birth_future", "The date of birth must be in the past")
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def age_band(age: int) -> AgeBand:
    """The band of an age in whole years, as public statistics group them."""
    return next(band for first, band in BANDS if age >= first)


def check_date_of_birth(born: date, today: date, minimum_age: int) -> int:
    """The age today of someone who may be referred. Raises DateOfBirthError with the reason why not.

    `under_minimum_age` is no mistake of the referrer's: answer it with the contact for younger people.
    """
    age = age_on(born, today)
    if age > OLDEST:
        raise DateOfBirthError(
            "date_of_birth_too_long_ago", f"The date of birth is more than {OLDEST} years ago"
        )
    if age < minimum_age:
        raise DateOfBirthError(
            "under_minimum_age", f"This programme is for people aged {minimum_age} and over"
        )
    return age
