"""The applications of all four services as they are built, without a broker or a database."""

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from services.evaluation.app import create_app as evaluation_app
from services.evaluation.settings import EvaluationSettings
from services.matching.app import create_app as matching_app
from services.matching.settings import MatchingSettings
from services.notifications.app import create_app as notifications_app
from services.notifications.settings import NotificationsSettings
from services.referral.app import create_app as referral_app
from services.referral.settings import ReferralSettings
from tests.harness.web.issuer import LoopbackIssuer

SERVICES: Final = ("referral", "matching", "notifications", "evaluation")


def application(service: str, issuer: LoopbackIssuer) -> FastAPI:
    """One service's application. It is not started: what a route is let through to has no stores."""
    match service:
        case "referral":
            return referral_app(issuer.settings(ReferralSettings))
        case "matching":
            return matching_app(issuer.settings(MatchingSettings))
        case "notifications":
            return notifications_app(issuer.settings(NotificationsSettings))
        case "evaluation":
            return evaluation_app(issuer.settings(EvaluationSettings))
    raise ValueError(service)


def routes_of(app: FastAPI) -> list[tuple[str, APIRoute]]:
    """Every route that we wrote with its whole path, whichever router it came in with."""
    return list(_routes(app.routes, ""))


def _routes(routes: Any, prefix: str) -> Iterator[tuple[str, APIRoute]]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield prefix + route.path, route
        elif hasattr(route, "original_router"):  # a router that was included whole
            yield from _routes(route.original_router.routes, prefix + route.include_context.prefix)
