"""Step-up: an act that asks for a sign-in of the last minutes, on pages and by API (RFC 9470)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response

from shared.platform.clock import Clock, system_clock
from shared.platform.web.auth import local_path, require, require_page
from shared.platform.web.pages import can_be_had_again
from shared.platform.web.principal import Principal, Role
from shared.platform.web.problem import Problem
from shared.platform.web.settings import ServiceSettings

# The issuer's clock may be ahead by so much.
_AHEAD: Final = timedelta(seconds=30)


class StepUpNeeded(Exception):
    """The reader of a page is to sign in again before they do this."""


class StepUp:
    """Judges whether a sign-in is recent and sure enough for an act that erases or discloses."""

    def __init__(self, settings: ServiceSettings, clock: Clock = system_clock) -> None:
        self._longest = timedelta(minutes=settings.step_up_minutes)
        self._values = tuple(settings.step_up_acr.split())
        self._clock = clock

    def holds(self, caller: Principal) -> bool:
        """True if the issuer says that the caller proved who they are within the last minutes.

        An issuer that says nothing of the time lets nobody do such an act.
        """
        if caller.auth_time is None or (self._values and caller.acr.isdisjoint(self._values)):
            return False
        age = self._clock().timestamp() - caller.auth_time
        return -_AHEAD.total_seconds() <= age <= self._longest.total_seconds()

    def asked(self) -> dict[str, str]:
        """The parameters with which the issuer is asked for such a sign-in."""
        asked = {"prompt": "login", "max_age": self._seconds}
        return asked | ({"acr_values": " ".join(self._values)} if self._values else {})

    def challenge(self) -> str:
        """The challenge to an API caller."""
        values = f', acr_values="{" ".join(self._values)}"' if self._values else ""
        return (
            'Bearer realm="linkwork", error="insufficient_user_authentication", '
            f'max_age="{self._seconds}"{values}'
        )

    @property
    def _seconds(self) -> str:
        return str(int(self._longest.total_seconds()))


def require_recent(*roles: Role) -> Callable[..., Awaitable[Principal]]:
    """Dependency for API routes: as `require`, and the caller's sign-in is recent, else a 401 challenge."""

    async def required(request: Request, caller: Annotated[Principal, Depends(require(*roles))]) -> Principal:
        step_up: StepUp = request.app.state.step_up
        if not step_up.holds(caller):
            raise Problem(
                401,
                "Sign in again",
                code="step_up",
                detail="This asks for a recent sign-in. Sign in again, and use the new token.",
                headers={"www-authenticate": step_up.challenge()},
            )
        return caller

    return required


def require_recent_page(*roles: Role) -> Callable[..., Awaitable[Principal]]:
    """Dependency for page routes: as `require_page`. A reader whose sign-in is old repeats it first."""

    async def required(
        request: Request, caller: Annotated[Principal, Depends(require_page(*roles))]
    ) -> Principal:
        step_up: StepUp = request.app.state.step_up
        if not step_up.holds(caller):
            raise StepUpNeeded
        return caller

    return required


async def to_step_up(request: Request, _: Exception) -> Response:
    """Exception handler for StepUpNeeded: to the issuer, and back to the page before the button."""
    here = request.url.path if can_be_had_again(request) else "/"
    if request.method in ("GET", "HEAD") and request.url.query:
        here += f"?{request.url.query}"
    return RedirectResponse(f"/sign-in?step_up=true&next={quote(local_path(here), safe='/')}", 303)
