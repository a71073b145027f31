"""HTTP client of booking: the free times of a locality's diaries, at whoever owns booking there."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from shared.contract.api.booking import CAPACITY, DiaryCapacity
from shared.platform.clock import Clock
from shared.platform.web.owners import Owner, Owners
from shared.platform.web.service_client import ServiceClient, ServiceUnavailable, content_of

WEEKS: Final = 4
_CACHE_TIME: Final = timedelta(minutes=5)
# After no answer, pages do without for this long.
_PAUSE: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Capacity:
    """The capacity that the owner of booking told, or None if it does not answer.

    `owner`: the owner, if it is not us.
    """

    told: DiaryCapacity | None
    owner: Owner | None


class CapacityLookup:
    """Asks booking's owner. An answer is kept for 5 minutes."""

    def __init__(self, owners: Owners, client: ServiceClient, clock: Clock) -> None:
        self._owners = owners
        self._client = client
        self._clock = clock
        self._known: dict[str, tuple[Capacity, datetime]] = {}

    async def of(self, locality: str) -> Capacity:
        """The capacity of a locality's diaries."""
        owner = self._owners.elsewhere("booking", locality)
        known = self._known.get(locality)
        if known is not None and known[0].owner == owner and self._clock() < known[1]:
            return known[0]
        found = Capacity(await self._ask(locality), owner)
        self._known[locality] = (found, self._clock() + (_CACHE_TIME if found.told else _PAUSE))
        return found

    async def _ask(self, locality: str) -> DiaryCapacity | None:
        try:
            address = self._owners.address("booking", locality)
            query: dict[str, str | int] = {"locality": locality, "weeks": WEEKS}
            answer = await self._client.call(CAPACITY, address, query=query)
            return DiaryCapacity.model_validate(content_of(answer))
        except (ServiceUnavailable, ValidationError):
            return None
