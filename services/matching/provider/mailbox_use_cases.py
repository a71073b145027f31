"""Asks a service's mailbox for a confirmation, and records the yes."""

from dataclasses import dataclass

from services.matching.clients.vault import MailAway, Mailer
from services.matching.directory.feed.model import Service
from services.matching.directory.repository import Directory
from services.matching.errors import Refused
from services.matching.provider.links import LinkAltered
from services.matching.provider.mailboxes import ConfirmationExpired, MailboxAsk, Mailboxes
from services.matching.web.refusals import problem_of
from shared.platform.ids import NewId
from shared.platform.localities import Localities
from shared.platform.web.problem import Problem


@dataclass
class MailboxUseCases:
    """Confirmations of services' mailboxes."""

    mailer: Mailer
    mailboxes: Mailboxes
    new_id: NewId
    directory: Directory
    localities: Localities

    async def ask_service(self, locality: str, service_id: str) -> bool:
        """Asks the mailbox of a service that the locality offers. True if a mail was sent.

        Raises:
            Problem: 404 for a service that the locality does not offer.
        """
        if not await self.directory.offered(service_id, [locality]):
            raise problem_of(Refused("unknown_service"))
        service = (await self.directory.services([service_id])).get(service_id)
        if service is None or self.localities.is_sandbox(locality):
            return False
        return await self.ask_to_confirm(service)

    async def ask_to_confirm(self, service: Service) -> bool:
        """Asks a service's mailbox for a confirmation, once a day at most. True if a mail was sent."""
        wanted = await self.mailboxes.want(service)
        if wanted is None:
            return False
        try:
            await self.mailer.send_confirmation(wanted.address, wanted.names, wanted.token, self.new_id())
        except MailAway:
            await self.mailboxes.taken_back(wanted)
            return False
        return True

    async def mailbox_asked(self, token: str) -> MailboxAsk:
        """Reads a confirmation's link. 404 `link_altered`, 410 `link_expired`."""
        try:
            return await self.mailboxes.read(token)
        except LinkAltered:
            raise _altered() from None
        except ConfirmationExpired:
            raise _expired() from None

    async def confirm_mailbox(self, token: str) -> MailboxAsk:
        """Records that the mailbox belongs to the services. 404 `link_altered`, 410 `link_expired`."""
        try:
            return await self.mailboxes.confirm(token)
        except LinkAltered:
            raise _altered() from None
        except ConfirmationExpired:
            raise _expired() from None


def _altered() -> Problem:
    said = "This link is not complete. Copy all of it from the email."
    return Problem(404, code="link_altered", detail=said)


def _expired() -> Problem:
    return Problem(410, code="link_expired", detail="This link is too old. A later email has a new one.")
