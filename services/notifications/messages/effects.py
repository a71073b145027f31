"""Sends one message: has it addressed, renders its text and hands it over to a gateway."""

import hashlib
from collections.abc import Callable
from typing import Final

from services.notifications.channels.circuit_breaker import CircuitBreaker
from services.notifications.channels.gateway import Mail, MailGateway, TextMessageGateway
from services.notifications.messages.addressing import Addressed, Addressing
from services.notifications.messages.message import MessageName, Recipient
from services.notifications.messages.policy import HELD, after_quiet_hours
from services.notifications.messages.state import NotificationState
from services.notifications.messages.wording import Channel, MessageTemplates, RenderedMessage
from shared.delivery.model.decision import TaskRow
from shared.delivery.model.errors import PermanentFailure, RetryLater
from shared.delivery.model.service_definition import Loaded, no_sandbox
from shared.platform import metrics
from shared.platform.clock import Clock

# Failures that pass once matching has received the same events, about five attempts (a minute) later.
_MATCHING_IS_BEHIND: Final = frozenset({"prescription_unknown"})
_ATTEMPTS_TO_CATCH_UP: Final = 5
# Why no message about a sandbox's referral is sent.
SANDBOXED: Final = "sandboxed"


class MessageSender:
    """Sends a message whose time has come. Holds the address and the text no longer than that takes."""

    def __init__(
        self,
        addressing: Addressing,
        mail: MailGateway,
        texts: TextMessageGateway,
        clock: Clock,
        templates: MessageTemplates | None = None,
        is_sandbox: Callable[[str], bool] = no_sandbox,
    ) -> None:
        self._addressing = addressing
        self._mail = mail
        self._texts = texts
        self._clock = clock
        self._is_sandbox = is_sandbox
        self._templates = templates or MessageTemplates()
        self._breakers: dict[Channel, CircuitBreaker] = {"text": CircuitBreaker(), "mail": CircuitBreaker()}

    async def send(self, key: str, loaded: Loaded[NotificationState], row: TaskRow) -> str:
        """Sends the message that `row` is about and returns `<channel>:<the gateway's reference>`.

        Raises:
            RetryLater: a service or gateway is away, or the quiet hours have begun.
            PermanentFailure: the message cannot be sent; its code gives the reason. In a sandbox none is.
        """
        if self._is_sandbox(loaded.locality):
            raise PermanentFailure(SANDBOXED)  # Before anything asks for an address or a link.
        name = MessageName.parse(row.about)
        try:
            sent = await self._send(key, loaded, name)
        except PermanentFailure as failed:
            if failed.code in _MATCHING_IS_BEHIND and row.attempt < _ATTEMPTS_TO_CATCH_UP:
                raise RetryLater from None
            metrics.messages_failed.labels(loaded.locality, name.template, name.recipient, failed.code).inc()
            raise
        if row.payload.get(HELD):
            metrics.messages_held.labels(loaded.locality).inc()
        channel = sent.partition(":")[0]
        metrics.messages_sent.labels(loaded.locality, name.template, name.recipient, channel).inc()
        return sent

    async def _send(self, key: str, loaded: Loaded[NotificationState], name: MessageName) -> str:
        if name.recipient is Recipient.PERSON:
            self._respect_quiet_hours(loaded.locality)
        addressed = await self._addressing.address(loaded, name)
        rendered = self._templates.render(
            name.template, name.recipient, addressed.channel, addressed.language, **addressed.facts
        )
        gateway_reference = await self._hand_over(addressed, rendered, key)
        return f"{addressed.channel}:{gateway_reference}"

    def _respect_quiet_hours(self, locality: str) -> None:
        """Raises RetryLater at night: after a retry, a message planned for the day may come up then."""
        now = self._clock()
        allowed = after_quiet_hours(now)
        if allowed > now:
            metrics.messages_held.labels(locality).inc()
            raise RetryLater(until=allowed)

    async def _hand_over(self, addressed: Addressed, rendered: RenderedMessage, key: str) -> str:
        reference = permanent_reference(key, addressed.channel)
        async with self._breakers[addressed.channel].call():
            if addressed.channel == "text":
                return await self._texts.send_text(addressed.to, rendered.body, reference)
            mail = Mail(addressed.to, rendered.subject, rendered.body)
            return await self._mail.send_mail(mail, reference)


def permanent_reference(key: str, channel: str) -> str:
    """The reference given to a gateway: the same for the same message, and revealing nothing about it."""
    return hashlib.blake2b(f"{key}|{channel}".encode(), digest_size=16).hexdigest()
