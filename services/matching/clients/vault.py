"""Clients of the vault and of the mail server."""

from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final

import httpx
from aiosmtplib import errors

from services.matching.settings import MatchingSettings
from shared.contract.api import Operation
from shared.contract.api.referral import CLAIMS, KEEP_NOTE, READ_NOTES, NoteKind
from shared.platform.clock import Clock
from shared.platform.web.mail import hand_over
from shared.platform.web.owners import Owners
from shared.platform.web.service_client import ServiceClient, ServiceUnavailable, content_of
from shared.platform.web.service_token import ServiceTokens

Person = Mapping[str, Any]

_MAIL_SECONDS: Final = 10.0
_MAX_AT_ONCE: Final = 200


class VaultAway(Exception):
    """The vault does not answer. A retry may succeed."""


class NotInVault(Exception):
    """The vault does not hold the person: erased, or kept by a partner."""


class Vault:
    """A client of the vault of referral's owner in each locality. Answers are shown and never stored.

    Our own owner is asked with our own token, another one with a token that holds there alone.
    """

    def __init__(self, owners: Owners, http: httpx.AsyncClient, tokens: ServiceTokens) -> None:
        self._owners = owners
        self._client = ServiceClient(http, tokens)

    async def people(
        self,
        locality: str,
        referrals: Sequence[str],
        fields: Sequence[str],
        purpose: str,
        on_behalf_of: str | None,
    ) -> dict[str, Person]:
        """These fields of these people by referral id. Missing and erased people are left out.

        Raises:
            VaultAway: the vault does not answer.
        """
        found: dict[str, Person] = {}
        for n in range(0, len(referrals), _MAX_AT_ONCE):
            body = {
                "locality": locality,
                "referrals": list(referrals[n : n + _MAX_AT_ONCE]),
                "fields": list(fields),
                "purpose": purpose,
                "on_behalf_of": on_behalf_of,
            }
            answer = await self._ask(CLAIMS, locality, body)
            found |= answer.get("people", {})
        return found

    async def keep_note(
        self, locality: str, referral_id: str, kind: NoteKind, text: str, key: str | None = None
    ) -> str:
        """Stores a text under the person's key and returns its id. The same key stores it once.

        Raises:
            VaultAway: the vault does not answer.
            NotInVault: the vault does not hold the person.
        """
        body = {"locality": locality, "kind": kind, "text": text}
        answer = await self._ask(KEEP_NOTE, locality, body, {"referral_id": referral_id}, key)
        return str(answer["note_id"])

    async def notes(
        self, locality: str, referral_id: str, notes: Sequence[str], on_behalf_of: str | None
    ) -> dict[str, str]:
        """The texts of these notes by id.

        Raises:
            VaultAway: the vault does not answer.
            NotInVault: the vault does not hold the person.
        """
        if not notes:
            return {}
        body = {
            "locality": locality,
            "referral": referral_id,
            "notes": list(notes)[:_MAX_AT_ONCE],
            "purpose": "meeting",
            "on_behalf_of": on_behalf_of,
        }
        answer = await self._ask(READ_NOTES, locality, body)
        return {str(name): str(text) for name, text in answer.get("notes", {}).items()}

    async def _ask(
        self,
        operation: Operation,
        locality: str,
        body: Mapping[str, Any],
        path: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> dict[str, Any]:
        try:
            owner = self._owners.address("referral", locality)
            answer = await self._client.call(operation, owner, body, path=path, key=key)
            if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
                raise NotInVault
            return content_of(answer)
        except ServiceUnavailable:
            raise VaultAway from None


class MailAway(Exception):
    """The mail server did not accept the mail."""


class Mailer:
    """Sends mails for which a person waits, at once: a code, a new link for a service."""

    def __init__(self, settings: MatchingSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    async def send_confirmation(self, to: str, names: Sequence[str], token: str, reference: str) -> None:
        """Asks a mailbox to confirm that it belongs to these services. Raises MailAway."""
        listed = "\n".join(f"- {name}" for name in names)
        body = (
            "Link workers of GP practices want to ask you by email whether you have a place for somebody. "
            "The directory of services gives this address for:\n\n"
            f"{listed}\n\n"
            f"To confirm that it is yours, open this page and press the button:\n"
            f"{self._settings.public_url}/s/mailbox/{token}\n\n"
            "If it is not, you can ignore this email. We send nothing else to this address.\n"
        )
        await self._send(to, "Is this your email address?", body, reference)

    async def send_code(self, to: str, code: str, reference: str, minutes: int) -> None:
        """Sends a one-time code, without anything about the person. Raises MailAway."""
        body = (
            f"Your code is {code}\n\n"
            f"Type it into the page that you have open. It lasts {minutes} minutes and works once.\n"
            "If you did not ask for a code, you can ignore this email.\n"
        )
        await self._send(to, "Your code", body, reference)

    async def send_link(self, to: str, service: str, url: str, reference: str) -> None:
        """Sends a new one-tap link, without anything about the person. Raises MailAway."""
        body = (
            f"To {service}\n\n"
            "A link worker at a GP practice sends you a new link. The one before it no longer works.\n"
            "See what it is about and answer with one tap, without signing in:\n"
            f"{url}\n\n"
            "The link is for you alone and works for a limited time. Please do not pass it on.\n"
        )
        await self._send(to, "A new link to answer with", body, reference)

    async def _send(self, to: str, subject: str, body: str, reference: str) -> None:
        settings = self._settings
        message = EmailMessage(policy=SMTP)
        try:
            message["From"] = settings.mail_from
            message["To"] = to
            message["Subject"] = subject
            message["Date"] = format_datetime(self._clock())
            message["Message-ID"] = f"<{reference}@{settings.mail_from.rpartition('@')[2]}>"
            message["Auto-Submitted"] = "auto-generated"
            message.set_content(body)
            await hand_over(message, settings, _MAIL_SECONDS)
        except (errors.SMTPException, OSError, ValueError):
            # Each of these errors may quote the address, so the chain of causes ends here.
            raise MailAway from None
