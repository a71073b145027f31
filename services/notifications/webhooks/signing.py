"""The headers of an attempt, by Standard Webhooks: id, time of the attempt, and signatures."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from standardwebhooks import Webhook

from services.notifications.webhooks.events import CONTENT_TYPE

_AGENT: Final = "Linkwork-Webhooks/1"


def signed_headers(webhook_id: str, body: bytes, secrets: Iterable[str], at: datetime) -> dict[str, str]:
    """The headers of an attempt. Each valid secret signs, so that a receiver may know either of two."""
    signatures = [Webhook(secret).sign(webhook_id, at, body.decode()) for secret in secrets]
    return {
        "content-type": CONTENT_TYPE,
        "user-agent": _AGENT,
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
