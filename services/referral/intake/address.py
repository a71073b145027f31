"""Checks of a postcode: no fixed address, unknown, or far from the practice."""

from dataclasses import dataclass

from shared.platform.localities import Practice
from shared.platform.localities.postcodes import distance_from, exists, is_pseudo, normalise

KM_IN_A_MILE = 1.609344
# People live within a few miles of their practice. The middle of a neighbouring area can be 35 miles away.
FAR_MILES = 40

_UNKNOWN = "postcode_unknown"
_ASK = "We do not know this postcode: check it, or confirm that it is right"


@dataclass(frozen=True, slots=True)
class AddressWarning:
    """A warning about an address. It does not prevent the referral."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class PostcodeError:
    """An error about a postcode. If `may_be_confirmed`, the referrer may confirm the postcode as right."""

    code: str
    detail: str
    may_be_confirmed: bool


def means_no_address(written: str | None) -> bool:
    """True for an NHS pseudo postcode: no fixed address, abroad or not known."""
    return written is not None and is_pseudo(written)


def postcode_error(written: str, confirmed: str | None) -> PostcodeError | None:
    """The error of a postcode, or None. `confirmed` is the postcode that the referrer confirmed."""
    postcode = normalise(written)
    if postcode is None:
        return PostcodeError(_UNKNOWN, "This postcode does not exist: check the letters and digits", False)
    if exists(postcode) or normalise(confirmed or "") == postcode:
        return None
    return PostcodeError(_UNKNOWN, _ASK, True)


def distance_warning(practice: Practice, postcode: str | None) -> AddressWarning | None:
    """A warning if the postcode is far from the practice, in whole miles, and both places are known."""
    if postcode is None or practice.position is None:
        return None
    kilometres = distance_from(practice.position, postcode)
    miles = round(kilometres / KM_IN_A_MILE) if kilometres is not None else 0
    if miles <= FAR_MILES:
        return None
    return AddressWarning(
        "postcode_far", f"This postcode is about {miles} miles from the practice. Check it."
    )
