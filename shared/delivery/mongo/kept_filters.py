"""Filters of lists that their readers keep, by subject: codes and days, and nobody's identity."""

from typing import Final

from shared.delivery.mongo.database import Mongo
from shared.platform.clock import Clock
from shared.platform.web.lists import ListChoice, ListShape
from shared.platform.web.principal import Principal

KEPT_FILTERS: Final = "kept_filters"


class KeptFilters:
    """The filter that each reader keeps for each list."""

    def __init__(self, mongo: Mongo, clock: Clock) -> None:
        self._mongo = mongo
        self._clock = clock

    async def of(self, caller: Principal, shape: ListShape) -> ListChoice | None:
        """The kept filter of a list, as far as the list still knows it."""
        row = await self._mongo[KEPT_FILTERS].find_one({"_id": _id(caller, shape)})
        return shape.parse(str(row["query"])) if row else None

    async def keep(self, caller: Principal, shape: ListShape, query: str) -> None:
        """Keeps a filter. A query without any filter is forgotten."""
        choice = shape.parse(query)
        if not choice.is_filtered:
            await self._mongo[KEPT_FILTERS].delete_one({"_id": _id(caller, shape)})
            return
        row = {"query": choice.kept, "at": self._clock()}
        await self._mongo[KEPT_FILTERS].replace_one({"_id": _id(caller, shape)}, row, upsert=True)


def _id(caller: Principal, shape: ListShape) -> dict[str, str]:
    return {"subject": caller.subject, "list": shape.name}
