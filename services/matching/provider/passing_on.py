"""Passes on what a service says through a link of ours, where directory has another owner by now."""

from dataclasses import dataclass
from typing import Any

from services.matching.clients.directory import DirectoryAway, DirectoryClient, NotTaken
from services.matching.errors import Refused
from services.matching.prescribing.inputs import FirstVisit, NoVisit, ServiceReply
from services.matching.provider.links import LinkClaims
from services.matching.web.refusals import problem_of
from shared.contract.api.directory import LinkAnswer
from shared.contract.events import vocabulary as v
from shared.platform.web.owners import Owners
from shared.platform.web.problem import Problem


@dataclass
class PassingOn:
    """Answers on old links. The owner says them as directory, so that they count like those on its own."""

    owners: Owners
    client: DirectoryClient

    def to(self, locality: str) -> str | None:
        """The name of directory's owner in the locality; None if it is ours, and nothing is passed on."""
        owner = self.owners.elsewhere("directory", locality)
        return owner.name if owner else None

    async def reply(self, claims: LinkClaims, said: ServiceReply, key: str | None) -> None:
        """Passes a service's answer on.

        Raises:
            Problem: the owner refuses it, or does not answer (503).
        """
        if said.reply is v.Reply.NOT_SUITABLE and said.reason is None:
            raise problem_of(Refused("reason_needed"))
        # Fields that belong to another answer are left out.
        weeks = said.weeks if said.reply is v.Reply.WAITING_LIST else None
        reason = said.reason if said.reply is v.Reply.NOT_SUITABLE else None
        await self._pass(claims, key, reply=said.reply, weeks=weeks, reason=reason)

    async def visit(self, claims: LinkClaims, visit: FirstVisit | NoVisit, key: str | None) -> None:
        """Passes the first visit on, or the barrier to it. Raises as `reply` does."""
        if isinstance(visit, FirstVisit):
            await self._pass(claims, key, visited_on=visit.on)
        else:
            await self._pass(claims, key, barrier=visit.barrier)

    async def places(self, claims: LinkClaims) -> None:
        """Passes on that the service has places again. Raises as `reply` does."""
        await self._pass(claims, None, places_free=True)

    async def _pass(self, claims: LinkClaims, key: str | None, **said: Any) -> None:
        answer = LinkAnswer(locality=claims.locality, service=claims.service_id, **said)
        try:
            await self.client.answer(claims.prescription_id, answer, key)
        except NotTaken as refused:
            raise _refused(refused) from None
        except DirectoryAway:
            owner = self.to(claims.locality) or "The directory"
            detail = f"{owner} does not answer just now. Try again in a minute."
            raise Problem(503, code="directory_away", detail=detail) from None


def _refused(refused: NotTaken) -> Problem:
    """The owner's refusal in our words. For one that we do not know, the link is over."""
    try:
        return problem_of(Refused(refused.code))
    except KeyError:
        return Problem(410, code="no_longer_asked", detail="This is no longer asked of you.")
