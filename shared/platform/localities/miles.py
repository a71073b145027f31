"""Distances as people in the United Kingdom say them."""

from typing import Final

KM_IN_A_MILE: Final = 1.609344


def in_miles(km: float) -> str:
    """A distance in kilometres, said in miles: "Less than 0.1 miles", "0.6 miles", "1 mile", "12 miles"."""
    miles = km / KM_IN_A_MILE
    if miles < 0.1:
        return "Less than 0.1 miles"
    said = f"{miles:.1f}" if miles < 9.95 else f"{miles:.0f}"
    said = said.removesuffix(".0")
    return "1 mile" if said == "1" else f"{said} miles"
