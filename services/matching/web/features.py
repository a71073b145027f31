"""Finds the running features from a request."""

from typing import TYPE_CHECKING, cast

from fastapi import Request

from shared.contract.api import Operation
from shared.platform.web.principal import Principal
from shared.platform.web.seams import check_asked

if TYPE_CHECKING:
    # For the type alone: at run time `web` knows no feature.
    from services.matching.features import Features, Queries


def features(request: Request) -> "Features":
    """Use cases by feature: `features(request).booking.reschedule(...)`."""
    return cast("Features", request.app.state.features)


def queries(request: Request) -> "Queries":
    """Reads by feature: `queries(request).booking.options(...)`."""
    return features(request).queries


def check_here(request: Request, caller: Principal, operation: Operation, locality: str) -> None:
    """Checks a request of another part by the table in force. Raises a Problem, 403 or 409."""
    check_asked(caller, operation, locality, request.app.state.localities)
