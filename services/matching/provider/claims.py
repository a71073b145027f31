"""Claims of services about themselves, and what link workers report of their listings, for the programme."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.matching.directory.queries import DirectoryQueries
from services.matching.directory.views import FoundService, ListingFault
from services.matching.provider.mailboxes import Claim, Mailboxes
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

MAX_SERVICES: Final = 500


@dataclass(frozen=True, slots=True)
class ClaimedService:
    """A service with the state of its mailbox, and the reports of wrong entries by kind."""

    found: FoundService
    mailbox: Claim
    faults: Mapping[ListingFault, int]


@dataclass(frozen=True)
class ClaimQueries:
    """Queries of the claims of services."""

    directory: DirectoryQueries
    mailboxes: Mailboxes

    async def claims(self, caller: Principal) -> list[ClaimedService]:
        """The services that are offered in the caller's localities, by name.

        Raises:
            Problem: 403 for another role; 409 `not_owner` if every directory of the caller's is another's.
        """
        if caller.role != "programme_admin":
            raise Problem(403, code="role", detail="Your role does not include this.")
        found = await self.directory.find_services(caller, limit=MAX_SERVICES)
        states = await self.mailboxes.claims(each.service for each in found)
        faults = await self.directory.directory.faults([each.service.id for each in found])
        return [
            ClaimedService(each, states[each.service.id], faults.get(each.service.id, {})) for each in found
        ]
