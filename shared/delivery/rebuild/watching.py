"""Watches the referrals that change in the live generation while it is compared."""

import asyncio
from types import TracebackType
from typing import Any, Self

from shared.delivery.mongo.database import Document, Mongo
from shared.delivery.rebuild.generations import GENERATIONS, names_of
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.ids import NewId


class ChangedReferrals:
    """A change stream over the live referrals. Marks in the stream show how far it was read."""

    def __init__(self, mongo: Mongo, number: int, new_id: NewId) -> None:
        self._mongo = mongo
        self._new_id = new_id
        self._watched = names_of([REFERRALS], number)[REFERRALS]
        self._stream: Any = None

    async def __aenter__(self) -> Self:
        await self._mongo[GENERATIONS].delete_many(
            {"_id": {"$regex": "^mark "}}
        )  # Those of a rebuild that died.
        wanted = {"ns.coll": {"$in": [self._watched, GENERATIONS]}}
        steps: list[Document] = [{"$match": wanted}, {"$project": {"documentKey": 1, "ns": 1}}]
        self._stream = self._mongo.database.watch(steps, batch_size=5000)
        await self._stream.try_next()  # The stream starts here.
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stream.close()

    async def until_now(self) -> set[str]:
        """The ids of the referrals that changed since the last call, up to the writes committed now.

        Raises:
            PyMongoError: the database has lost the position in the stream, or is away.
            TimeoutError: the mark did not arrive.
        """
        mark = f"mark {self._new_id()}"
        rows = self._mongo[GENERATIONS]
        await rows.insert_one({"_id": mark})
        changed: set[str] = set()
        async with asyncio.timeout(10):
            while True:
                event = await self._stream.try_next()
                if event is None:
                    continue
                identity = event["documentKey"]["_id"]
                if identity == mark:
                    break
                if event["ns"]["coll"] == self._watched:
                    changed.add(identity)
        await rows.delete_one({"_id": mark})
        return changed
