"""Where a referred person lives, as far as a postcode tells: no place, one to ask about, or one far away."""

from dataclasses import dataclass

from shared.platform.localities import Practice
from shared.platform.localities.postcodes import distance_from, exists, is_pseudo, normalise

KM_IN_A_MILE = 1.609344
FAR_MILES = 40
"""People live within a few miles of their practice; the middle of a neighbouring area can be 35 away."""

_UNKNOWN = "postcode_unknown"
_ASK = "We do not know this postcode: check it, or confirm that it is right"


@dataclass(frozen=True, slots=True)
class AddressWarning:
    """Something to look at again, which keeps nobody from being referred."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class PostcodeError:
    """A postcode that cannot be taken. `may_be_confirmed`: it can, if the referrer says that it is right."""

    code: str
    detail: str
    may_be_confirmed: bool


def means_no_address(written: str | None) -> bool:
    """Whether this is the NHS's own way to say: no fixed address, abroad, not known."""
    return written is not None and is_pseudo(written)


def postcode_error(written: str, confirmed: str | None) -> PostcodeError | None:
    """Why a postcode is not taken, or None. `confirmed`: the postcode that the referrer says is right."""
    postcode = normalise(written)
    if postcode is None:
        return PostcodeError(_UNKNOWN, "This postcode does not exist: check the letters and digits", False)
    if exists(postcode) or normalise(confirmed or "") == postcode:
        return None
    return PostcodeError(_UNKNOWN, _ASK, True)


def distance_warning(practice: Practice, postcode: str | None) -> AddressWarning | None:
    """That somebody lives far from the practice, in whole miles, as far as both places are known."""
    if postcode is None or practice.position is None:
        return None
    kilometres = distance_from(practice.position, postcode)
    miles = round(kilometres / KM_IN_A_MILE) if kilometres is not None else 0
    if miles <= FAR_MILES:
        return None
    return AddressWarning(
        "postcode_far", f"This postcode is about {miles} miles from the practice. Check it."
    )
