"""Text messages over HTTP: a POST of `to`, `body` and `reference`, answered with `{"id": ...}`.

The gateway keeps a repeated reference once.
"""

import httpx

from services.notifications.channels.gateway import STEP_SECONDS, NoAnswer
from services.notifications.settings import NotificationsSettings
from shared.delivery.model.errors import PermanentFailure, RetryLater

# What is wrong with this very message; anything else is the gateway's trouble or our set-up's.
_MESSAGE_AT_FAULT = frozenset({400, 404, 413, 422})


class HttpTexts:
    """A gateway for text messages, asked with the HTTP client given, which its owner closes."""

    def __init__(self, settings: NotificationsSettings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = http

    async def send_text(self, to: str, body: str, reference: str) -> str:
        if not self._settings.sms_url:
            raise PermanentFailure("no_text_gateway")
        key = self._settings.sms_key.get_secret_value()
        try:
            answer = await self._http.post(
                self._settings.sms_url,
                json={"to": to, "body": body, "reference": reference},
                headers={"authorization": f"Bearer {key}"} if key else {},
                timeout=STEP_SECONDS,
            )
        except httpx.TimeoutException:
            raise NoAnswer from None
        except httpx.HTTPError:
            raise RetryLater from None
        if answer.status_code in _MESSAGE_AT_FAULT:
            raise PermanentFailure("text_refused")
        if not answer.is_success:
            raise RetryLater
        try:
            return str(answer.json()["id"])
        except (ValueError, KeyError, TypeError):
            # It was taken; what it is called there is not worth sending it again for.
            return ""
