"""Finds the running features from a request."""

from typing import TYPE_CHECKING, cast

from fastapi import Request

if TYPE_CHECKING:
    # For the type alone: at run time `web` knows no feature.
    from services.matching.features import Features, Queries


def features(request: Request) -> "Features":
    """Use cases by feature: `features(request).booking.reschedule(...)`."""
    return cast("Features", request.app.state.features)


def queries(request: Request) -> "Queries":
    """Reads by feature: `queries(request).booking.options(...)`."""
    return features(request).queries
