"""A link worker's use cases of a one-tap link: end it, send a new one, leave it ended."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from services.matching.authorization import OTHER_PARTS, find_case
from services.matching.clients.vault import MailAway, Mailer
from services.matching.command_runner import CommandRunner
from services.matching.directory.repository import Directory
from services.matching.errors import Refused
from services.matching.provider.link_states import Ended, LinkKey, LinkStates
from services.matching.provider.links import Links
from services.matching.provider.mailboxes import Mailboxes
from services.matching.request import RequestContext
from services.matching.web.refusals import problem_of
from shared.delivery.mongo.database import Row, Transaction
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem


@dataclass
class LinkKeeping:
    """Changes of one-tap links by the case's link worker."""

    runner: CommandRunner
    links: Links
    link_states: LinkStates
    mailer: Mailer
    mailboxes: Mailboxes
    directory: Directory

    async def end_link(self, context: RequestContext, prescription_id: str) -> None:
        """Ends the service's link. A repeat changes nothing."""
        row, _ = await self._asked_prescription(context, prescription_id)
        state = await self.link_states.state(row["locality"], prescription_id)
        link = LinkKey(row["locality"], row["referral"], prescription_id, state.generation)

        async def work(tx: Transaction) -> bool:
            return await self.link_states.end(link, Ended.LINK_WORKER, tx)

        await self._audited(context, row, "end_link", work)

    async def send_link(self, context: RequestContext, prescription_id: str) -> None:
        """Mails a new link in place of an ended one. Sends none if the service's link still works.

        409 `no_address` if the service has no address, `mailbox_unconfirmed` if it has not confirmed it,
        `sandbox` in a sandbox. 503
        `mail_away` if the mail cannot be handed over; then the link is ended all the same, and a retry sends
        a new one.
        """
        row, service_id = await self._asked_prescription(context, prescription_id)
        if self.runner.localities.is_sandbox(row["locality"]):
            raise problem_of(Refused("sandbox"))
        service = (await self.directory.services([service_id])).get(service_id)
        if service is None or service.email is None:
            raise Problem(409, code="no_address", detail="There is no email address to send the link to.")
        if service.id not in await self.mailboxes.usable([service]):
            raise Problem(409, code="mailbox_unconfirmed", detail="We cannot mail them yet: ring them.")

        generation: int | None = None

        async def work(tx: Transaction) -> bool:
            nonlocal generation
            generation = await self.link_states.renew(row["locality"], prescription_id, tx)
            return generation is not None

        await self._audited(context, row, "send_link", work)
        if generation is None:
            return
        token = self.links.token(row["locality"], prescription_id, service_id, generation)
        try:
            await self.mailer.send_link(
                service.email, service.name, self.links.url(token), self.runner.kernel.new_id()
            )
        except MailAway:
            # The new link reached no mailbox. It ends, so that the page offers to send another.
            link = LinkKey(row["locality"], row["referral"], prescription_id, generation)
            await self.link_states.end(link, Ended.LINK_WORKER)
            raise Problem(
                503, code="mail_away", detail="The link cannot be sent just now. Try again in a minute."
            ) from None

    async def leave_link(self, context: RequestContext, prescription_id: str) -> None:
        """Records that the link worker has seen the end of the link, and leaves it ended."""
        row, _ = await self._asked_prescription(context, prescription_id)

        async def work(tx: Transaction) -> bool:
            return await self.link_states.settle(row["locality"], prescription_id, tx)

        await self._audited(context, row, "leave_link", work)

    async def link(self, caller: Principal, prescription_id: str, locality: str | None) -> str:
        """The address of a fresh one-tap link. 409 if the service is not being asked."""
        which = {"view.prescriptions.id": prescription_id}
        if locality is not None:
            if not caller.may_locality(locality):
                raise problem_of(Refused("unknown_prescription"))
            which["locality"] = locality
        row = await find_case(
            self.runner.kernel.mongo, caller, which, OTHER_PARTS, self.runner.kernel.clock()
        )
        one = next(p for p in row["view"]["prescriptions"] if p["id"] == prescription_id)
        if not row["view"]["open"]:
            raise problem_of(Refused("case_ended"))
        if one["status"] == "signposted":
            raise problem_of(Refused("signposted"))
        state = await self.link_states.state(row["locality"], prescription_id)
        if state.ended_at is not None:
            raise Problem(409, code="link_ended", detail="The link of this service has ended.")
        token = self.links.token(row["locality"], prescription_id, one["service"], state.generation)
        return self.links.url(token)

    async def _asked_prescription(self, context: RequestContext, prescription_id: str) -> tuple[Row, str]:
        """The case and its prescription. Raises a Problem if its service is not asked by link."""
        row = await self.runner.case(context, _which(prescription_id), part="directory")
        one = next(each for each in row["view"]["prescriptions"] if each["id"] == prescription_id)
        if not row["view"]["open"]:
            raise problem_of(Refused("case_ended"))
        if one["status"] == "signposted":
            raise problem_of(Refused("signposted"))
        return row, one["service"]

    async def _audited(
        self,
        context: RequestContext,
        row: Row,
        action: str,
        work: Callable[[Transaction], Awaitable[bool]],
    ) -> None:
        """Runs a change of the link, with its entry unless nothing changed."""
        change = self.runner.change(context, action)
        change = replace(change, locality=row["locality"], subject_ref=row["referral"])
        await self.runner.kernel.transact(work, change=change)


def _which(prescription_id: str) -> dict[str, Any]:
    return {"view.prescriptions.id": prescription_id}
