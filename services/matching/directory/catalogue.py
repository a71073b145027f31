"""The services that casework chooses from: one interface, in our own directory or at its owner elsewhere."""

import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.matching.clients.directory import DirectoryAway, DirectoryClient
from services.matching.directory.feed.model import Service
from services.matching.directory.listing import Listing, about, from_contract, nearest, to_contract
from services.matching.directory.ranking import Position
from services.matching.directory.repository import Directory
from shared.contract.api.services import ServiceListed
from shared.contract.events import vocabulary as v
from shared.platform.web.owners import Owners

_log = logging.getLogger(__name__)
# Sensitive needs, from the vault: never stored, and told to no other owner.
Sensitive = Collection[v.SensitiveNeed]


class Catalogue(Protocol):
    """The directory of a locality, as casework asks it."""

    async def find(
        self, locality: str, need: v.Need, sensitive: Sensitive, at: Position | None
    ) -> list[Listing]:
        """The services for a need, those that are full or closed among them.

        Raises:
            DirectoryAway: directory's owner does not answer.
        """
        ...

    async def read(self, locality: str, services: Iterable[str]) -> dict[str, Listing]:
        """Services by id. Unknown ids are left out; a service that is not offered any more keeps its name.

        Raises:
            DirectoryAway: directory's owner does not answer.
        """
        ...

    async def entries(self, locality: str, services: Iterable[str]) -> dict[str, Service]:
        """The same without places and mailboxes, for names in lists.

        Raises:
            DirectoryAway: directory's owner does not answer.
        """
        ...

    async def choice(self, locality: str, service: str) -> Service | None:
        """A service that is listed in the locality; None for one that is not.

        Raises:
            DirectoryAway: directory's owner does not answer.
        """
        ...

    async def ask_mailbox(self, locality: str, service: Service) -> None:
        """Has a prescribed service asked to confirm its mailbox, once a day at most."""
        ...


@dataclass
class OwnCatalogue:
    """Our own directory.

    `usable_mailboxes`: ids of services that may be asked by mail. `confirm_mailbox`: asks for a confirmation.
    """

    directory: Directory
    usable_mailboxes: Callable[[Sequence[Service]], Awaitable[Collection[str]]]
    confirm_mailbox: Callable[[Service], Awaitable[bool]]

    async def find(
        self, locality: str, need: v.Need, sensitive: Sensitive, at: Position | None
    ) -> list[Listing]:
        """The services for a need, of the feeds that are offered in the locality."""
        return await self._listed(await self.directory.for_need(need, sorted(sensitive), [locality]))

    async def read(self, locality: str, services: Iterable[str]) -> dict[str, Listing]:
        """Services by id."""
        found = await self.directory.services(list(services))
        return {one.service.id: one for one in await self._listed(list(found.values()))}

    async def entries(self, locality: str, services: Iterable[str]) -> dict[str, Service]:
        """Services by id, without places and mailboxes."""
        return await self.directory.services(list(services))

    async def choice(self, locality: str, service: str) -> Service | None:
        """A service of a feed that is offered in the locality."""
        if not await self.directory.offered(service, [locality]):
            return None
        return (await self.directory.services([service])).get(service)

    async def ask_mailbox(self, locality: str, service: Service) -> None:
        """Asks a service's mailbox for a confirmation."""
        await self.confirm_mailbox(service)

    async def find_for_parts(
        self, locality: str, need: v.Need, near: Position | None, limit: int
    ) -> list[ServiceListed]:
        """The services for a need as another casework gets them, the nearest first."""
        found = nearest(await self.find(locality, need, (), near), near, limit)
        return [to_contract(one, offered=True) for one in found]

    async def read_for_parts(self, locality: str, services: Iterable[str]) -> list[ServiceListed]:
        """Services by id as another casework gets them."""
        found = await self.read(locality, services)
        offered = await self.directory.offered_of(found, locality)
        return [to_contract(one, offered=one.service.id in offered) for one in found.values()]

    async def _listed(self, services: Sequence[Service]) -> list[Listing]:
        places, usable = await self.directory.availability(services), await self.usable_mailboxes(services)
        return [
            Listing(one, places[one.id], None if one.email is None else one.id in usable) for one in services
        ]


@dataclass
class OwnersCatalogue:
    """Directory's owner elsewhere, over HTTP."""

    client: DirectoryClient

    async def find(
        self, locality: str, need: v.Need, sensitive: Sensitive, at: Position | None
    ) -> list[Listing]:
        """The services for a need. The owner learns the need, and of the person about where they live."""
        found = _readable(await self.client.find(locality, need, about(at)))
        if need is not v.Need.SENSITIVE:
            return found
        wanted = set(sensitive)
        return [one for one in found if not wanted or wanted & set(one.service.sensitive_needs)]

    async def read(self, locality: str, services: Iterable[str]) -> dict[str, Listing]:
        """Services by id."""
        ids = sorted(set(services))
        return (
            {one.service.id: one for one in _readable(await self.client.read(locality, ids))} if ids else {}
        )

    async def entries(self, locality: str, services: Iterable[str]) -> dict[str, Service]:
        """Services by id."""
        return {name: one.service for name, one in (await self.read(locality, services)).items()}

    async def choice(self, locality: str, service: str) -> Service | None:
        """A service that the owner knows; it says whether the service is offered."""
        return (await self.entries(locality, [service])).get(service)

    async def ask_mailbox(self, locality: str, service: Service) -> None:
        """Has the owner ask. If it does not answer, the next prescription asks again."""
        try:
            await self.client.ask_mailbox(locality, service.id)
        except DirectoryAway:
            _log.warning("directory's owner was not asked for a mailbox", extra={"locality": locality})


@dataclass
class Catalogues:
    """The catalogue of each locality, by the table in force."""

    own: OwnCatalogue
    elsewhere: OwnersCatalogue
    owners: Owners

    def of(self, locality: str) -> Catalogue:
        """The catalogue of a locality's directory."""
        return self.own if self.owners.elsewhere("directory", locality) is None else self.elsewhere

    async def named(self, asked: Mapping[str, Iterable[str]]) -> dict[str, Service]:
        """The services of plans by id, for lists that can do without. `asked`: ids by locality.

        None of a locality whose directory does not answer.
        """
        found: dict[str, Service] = {}
        for locality, services in asked.items():
            try:
                found |= await self.of(locality).entries(locality, services)
            except DirectoryAway:
                continue
        return found

    async def listed(self, locality: str, services: Iterable[str]) -> dict[str, Listing]:
        """Services by id with their places, for pages that can do without: none if there is no answer."""
        try:
            return await self.of(locality).read(locality, services)
        except DirectoryAway:
            return {}


def _readable(listed: Iterable[ServiceListed]) -> list[Listing]:
    return [one for each in listed if (one := from_contract(each)) is not None]
