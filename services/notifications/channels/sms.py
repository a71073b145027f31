"""Sends text messages over HTTP: a POST of `to`, `body` and `reference`, answered with `{"id": ...}`.

The gateway keeps a repeated reference once.
"""

import httpx

from services.notifications.channels.gateway import STEP_TIMEOUT_SECONDS, GatewayTimeout
from services.notifications.settings import NotificationsSettings
from shared.delivery.model.errors import PermanentFailure, RetryLater

# Statuses that blame the message itself. Others are the gateway's trouble or our configuration's.
_REFUSED_STATUSES = frozenset({400, 404, 413, 422})


class HttpTextGateway:
    """A text gateway behind HTTP. The owner of the HTTP client closes it."""

    def __init__(self, settings: NotificationsSettings, http: httpx.AsyncClient) -> None:
        self._settings = settings
        self._http = http

    async def send_text(self, to: str, body: str, reference: str) -> str:
        """Posts the text to the gateway and returns the gateway's id of it.

        Raises:
            RetryLater: the gateway cannot be reached, or its answer does not blame the message.
            GatewayTimeout: the gateway does not answer in time.
            PermanentFailure: the gateway refuses the message, or no gateway is set.
        """
        if not self._settings.sms_url:
            raise PermanentFailure("no_text_gateway")
        key = self._settings.sms_key.get_secret_value()
        try:
            answer = await self._http.post(
                self._settings.sms_url,
                json={"to": to, "body": body, "reference": reference},
                headers={"authorization": f"Bearer {key}"} if key else {},
                timeout=STEP_TIMEOUT_SECONDS,
            )
        except httpx.TimeoutException:
            raise GatewayTimeout from None
        except httpx.HTTPError:
            raise RetryLater from None
        if answer.status_code in _REFUSED_STATUSES:
            raise PermanentFailure("text_refused")
        if not answer.is_success:
            raise RetryLater
        try:
            return str(answer.json()["id"])
        except (ValueError, KeyError, TypeError):
            # The gateway took the text. Its name there is not worth a second text.
            return ""
