"""The operations that an owner elsewhere offers, by the OpenAPI document that it serves.

An owner that offers all operations need not serve one: without a document, all are offered.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import httpx

from shared.contract.api import Operation
from shared.contract.api.operation import BASE, LOOKUP_MS
from shared.platform.clock import Clock, system_clock
from shared.platform.web.owners import Owner, Owners

_KEPT: Final = timedelta(minutes=5)
_ASKED_AGAIN: Final = timedelta(seconds=30)
_MAX_BYTES: Final = 1_000_000
# Method and path of each operation of a document.
Offered = frozenset[tuple[str, str]]


@dataclass(slots=True)
class _Known:
    offered: Offered | None
    until: datetime


class OfferedOperations:
    """Reads owners' documents, and keeps each for 5 minutes. The last one read holds while none is given."""

    def __init__(self, http: httpx.AsyncClient, owners: Owners, clock: Clock = system_clock) -> None:
        self._http = http
        self._owners = owners
        self._clock = clock
        self._known: dict[str, _Known] = {}

    async def offers(self, operation: Operation, locality: str) -> bool:
        """True if the part's owner in the locality offers the operation. Our own parts offer all."""
        owner = self._owners.elsewhere(operation.owner, locality)
        if owner is None:
            return True
        if owner.address is None:
            return False
        offered = await self._offered(operation, owner)
        return offered is None or (operation.method, operation.path) in offered

    async def _offered(self, operation: Operation, owner: Owner) -> Offered | None:
        url = f"{owner.address}{BASE}/{operation.owner}/openapi.json"
        known = self._known.setdefault(url, _Known(None, self._clock()))
        if self._clock() >= known.until:
            # Set first: pages that are asked for meanwhile do not wait for the owner too.
            known.until = self._clock() + _ASKED_AGAIN
            found = await self._read(url)
            if found is not None:
                known.offered, known.until = found, self._clock() + _KEPT
        return known.offered

    async def _read(self, url: str) -> Offered | None:
        try:
            async with (
                asyncio.timeout(LOOKUP_MS / 1000),
                self._http.stream("GET", url, headers={"accept": "application/json"}) as answer,
            ):
                if not answer.is_success:
                    return None
                read = bytearray()
                async for chunk in answer.aiter_bytes():
                    read += chunk
                    if len(read) > _MAX_BYTES:
                        return None
            paths = json.loads(read)["paths"]
            return frozenset((method.upper(), path) for path, item in paths.items() for method in item)
        except (httpx.HTTPError, TimeoutError, ValueError, KeyError, TypeError, AttributeError):
            return None
