"""One service of the run, started as by its own `__main__`, but with a clock that the tests move.

LINKWORK_JOURNEY_PART names the service. The clock is in the run's folder.
"""

import gc
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

from fastapi import FastAPI
from joserfc._rfc7519 import claims as jwt_times

from shared.platform.clock import Clock
from shared.platform.web.app import serve
from shared.platform.web.settings import ServiceSettings, load
from tests.harness.journey.clock import MovedClock

PART = "LINKWORK_JOURNEY_PART"
Made = tuple[ServiceSettings, Callable[[], FastAPI]]


def _referral(clock: Clock) -> Made:
    from services.referral.app import create_app
    from services.referral.settings import ReferralSettings

    settings = load(ReferralSettings)
    return settings, lambda: create_app(settings, clock=clock)


def _matching(clock: Clock) -> Made:
    from services.matching.app import create_app
    from services.matching.settings import MatchingSettings

    settings = load(MatchingSettings)
    return settings, lambda: create_app(settings, clock=clock)


def _notifications(clock: Clock) -> Made:
    from services.notifications.app import create_app
    from services.notifications.settings import NotificationsSettings

    settings = load(NotificationsSettings)
    return settings, lambda: create_app(settings, clock=clock)


def _evaluation(clock: Clock) -> Made:
    from services.evaluation.app import create_app
    from services.evaluation.settings import EvaluationSettings

    settings = load(EvaluationSettings)
    return settings, lambda: create_app(settings, clock=clock)


def _development(clock: Clock) -> Made:
    from deploy.development.app import development_app
    from deploy.development.settings import DevelopmentSettings

    settings = load(DevelopmentSettings)
    return settings, lambda: development_app(settings, clock)


# Settings and application of each part. Only the code of the named part is loaded.
PARTS: Mapping[str, Callable[[Clock], Made]] = {
    "referral": _referral,
    "matching": _matching,
    "notifications": _notifications,
    "evaluation": _evaluation,
    "development": _development,
}


def main() -> None:
    gc.disable()
    clock = MovedClock(Path(os.environ["LINKWORK_STATE"]))
    # Authlib checks ID tokens by the machine's clock and accepts no other.
    vars(jwt_times)["time"] = SimpleNamespace(time=lambda: clock().timestamp())
    settings, make = PARTS[os.environ[PART]](clock)
    serve(make, settings)


if __name__ == "__main__":
    main()
