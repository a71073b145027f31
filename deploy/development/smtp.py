"""The mail sink: takes every message and delivers none."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.development.sink import Mailbox

LARGEST = 1_000_000


class ToMailbox:
    """aiosmtpd handler. A Message-ID that comes again to the same address is the same message."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keeps the message, once for each recipient. Called by aiosmtpd."""
        content = envelope.original_content or b""
        message = message_from_bytes(content, _class=EmailMessage, policy=default)
        body = message.get_body(("plain", "html"))
        text = body.get_content() if body is not None else ""
        message_id = str(message.get("message-id", "")).strip()
        for address in envelope.rcpt_tos:
            reference = f"{message_id} {address}" if message_id else ""
            subject = str(message.get("subject", ""))
            self._mailbox.put("email", to=address, subject=subject, text=text.strip(), reference=reference)
        return "250 kept"


def mail_sink(mailbox: Mailbox, *, host: str, port: int) -> Controller:
    """A sink to `start()` and `stop()`; it runs in a thread of its own."""
    return Controller(
        ToMailbox(mailbox), hostname=host, port=port, data_size_limit=LARGEST, decode_data=False
    )
