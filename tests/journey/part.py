"""One service of the run, as its own `__main__` starts it, but by a clock that the tests move.

Told by LINKWORK_JOURNEY_PART which one it is; the clock is in the run's folder.
"""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from fastapi import FastAPI

from shared.clock import Clock
from shared.web.app import serve
from shared.web.settings import ServiceSettings, load
from tests.journey.clock import MovedClock

PART = "LINKWORK_JOURNEY_PART"


def application(name: str, clock: Clock) -> tuple[ServiceSettings, Callable[[], FastAPI]]:
    """Settings and application of one part; only that part's code is loaded."""
    match name:
        case "referral":
            from services.referral.app import referral_app
            from services.referral.settings import ReferralSettings

            referral = load(ReferralSettings)
            return referral, lambda: referral_app(referral, clock=clock)
        case "matching":
            from services.matching.app import build as matching_app
            from services.matching.settings import MatchingSettings

            matching = load(MatchingSettings)
            return matching, lambda: matching_app(matching, clock=clock)
        case "notifications":
            from services.notifications.app import build as notifications_app
            from services.notifications.settings import NotificationsSettings

            notifications = load(NotificationsSettings)
            return notifications, lambda: notifications_app(notifications, clock=clock)
        case "evaluation":
            from services.evaluation.app import evaluation_app
            from services.evaluation.settings import EvaluationSettings

            evaluation = load(EvaluationSettings)
            return evaluation, lambda: evaluation_app(evaluation, clock=clock)
        case "development":
            from deploy.development.app import development_app
            from deploy.development.settings import DevelopmentSettings

            development = load(DevelopmentSettings)
            return development, lambda: development_app(development, clock)
    raise LookupError(name)


def main() -> None:
    clock = MovedClock(Path(os.environ["LINKWORK_STATE"]))
    # Authlib judges ID tokens by the machine's clock and takes no other.
    from authlib.jose.rfc7519 import claims

    claims.time = SimpleNamespace(time=lambda: clock().timestamp())
    settings, make = application(os.environ[PART], clock)
    serve(make, settings)


if __name__ == "__main__":
    main()
