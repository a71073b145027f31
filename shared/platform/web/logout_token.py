"""Reads logout tokens: OpenID Connect Back-Channel Logout 1.0, section 2.6."""

from datetime import timedelta
from typing import Any, Final

from shared.platform.clock import Clock
from shared.platform.web.granted import LogoutNotice
from shared.platform.web.tokens import LEEWAY_SECONDS, InvalidToken, TokenVerifier, header_of

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
# An older token is refused, so that the ids of those taken need not be kept for ever.
LONGEST: Final = timedelta(minutes=2)
_TYPES: Final = (None, "JWT", "logout+jwt")


class LogoutTokens:
    """Turns a logout token into a notice, or refuses. `verifier` judges for our client as audience."""

    def __init__(self, verifier: TokenVerifier, clock: Clock) -> None:
        self._verifier = verifier
        self._clock = clock

    async def read(self, token: str) -> LogoutNotice:
        """The notice. That it comes once only is the keeper's to judge.

        Raises:
            InvalidToken: it is no logout token for us, or not a recent one.
            KeysUnavailable: the issuer's keys cannot be read.
        """
        if header_of(token).get("typ") not in _TYPES:
            raise InvalidToken
        claims = await self._verifier.claims(token, names_person=False)
        events = claims.get("events")
        if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
            raise InvalidToken
        # An ID token has a nonce: no ID token may end sessions.
        if "nonce" in claims:
            raise InvalidToken
        self._check_recent(claims.get("iat"))
        notice = LogoutNotice(_text(claims, "jti") or "", _text(claims, "sub"), _text(claims, "sid"))
        if not notice.jti or (notice.subject is None and notice.sid is None):
            raise InvalidToken
        return notice

    def _check_recent(self, issued: Any) -> None:
        if not isinstance(issued, int):
            raise InvalidToken
        age = self._clock().timestamp() - issued
        if not -LEEWAY_SECONDS <= age <= LONGEST.total_seconds():
            raise InvalidToken


def _text(claims: dict[str, Any], name: str) -> str | None:
    """The claim, or None. Raises InvalidToken for one that is no text."""
    value = claims.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise InvalidToken
    return value
