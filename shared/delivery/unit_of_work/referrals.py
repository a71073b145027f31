"""Reads of stored referrals, outside a transaction."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Generic

from pymongo.errors import PyMongoError

from shared.delivery.model.service_definition import R, ServiceDefinition, V
from shared.delivery.mongo.database import Mongo, Row, classified
from shared.delivery.unit_of_work.aggregate import ReferralAggregate, aggregate_id
from shared.delivery.unit_of_work.signals import ReferralSignal
from shared.delivery.unit_of_work.unit_of_work import REFERRALS


class Referrals(Generic[V, R]):
    """The stored referrals of one service."""

    def __init__(self, definition: ServiceDefinition[V, R], mongo: Mongo, signal: ReferralSignal) -> None:
        self._definition = definition
        self._mongo = mongo
        self._signal = signal

    async def stored(self, locality: str, referral_id: str) -> Row | None:
        """The referral's document, or None if the service knows no fact of the referral.

        Raises:
            Transient: the database is away.
        """
        try:
            found: Row | None = await self._mongo[REFERRALS].find_one(
                {"_id": aggregate_id(locality, referral_id)}
            )
        except PyMongoError as error:
            raise classified(error) from error
        return found

    def restored(self, stored: Row) -> ReferralAggregate[V, R]:
        """The aggregate of a document that was read already."""
        return ReferralAggregate.from_document(self._definition, stored)

    async def view(self, locality: str, referral_id: str) -> V | None:
        """The view folded from the stored facts, or None if there are none."""
        stored = await self.stored(locality, referral_id)
        return None if stored is None else self.restored(stored).fold()

    async def facts(self, locality: str, referral_id: str) -> list[Any]:
        """Every fact of a referral, in the order of arrival."""
        stored = await self.stored(locality, referral_id)
        return [] if stored is None else self.restored(stored).facts

    async def wait_for(
        self, locality: str, referral_id: str, test: Callable[[Mapping[str, Any]], bool], seconds: float
    ) -> Row | None:
        """The view document once `test` holds for it, or as it stands after so many seconds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        pause = 0.1
        with self._signal.subscribe(aggregate_id(locality, referral_id)) as changed:
            while True:
                changed.clear()
                stored = await self.stored(locality, referral_id)
                view = None if stored is None else stored["view"]
                left = end - loop.time()
                if left <= 0 or (view is not None and test(view)):
                    return view
                # Another process may write the change, so read again now and then. The pauses grow, because
                # many requests may be waiting when it takes long.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), timeout=min(left, pause))
                pause *= 2
