"""The part of the log that a service has handled, and its handled offsets after a switch."""

from collections.abc import Collection, Mapping, Sequence

from aiokafka import TopicPartition

from shared.contract.events.topics import Part, event_topics, group
from shared.delivery.kafka.broker_view import BrokerView
from shared.delivery.mongo.database import Mongo
from shared.delivery.offsets.handled import HandledOffsets
from shared.delivery.offsets.verdict import HandledOffset, handled_by_us
from shared.delivery.rebuild.log import Offsets


class HandledLog:
    """The handled offsets of one service in these localities.

    Records that another client only committed are not among them: they must be decided on when they arrive.
    """

    def __init__(self, service: Part, localities: Sequence[str], mongo: Mongo, broker: BrokerView) -> None:
        self._service: Part = service
        self._localities = localities
        self._mongo = mongo
        self._broker = broker

    async def offsets(self, partitions: Collection[TopicPartition]) -> Offsets:
        """The offset after the last handled record of each of these partitions.

        Raises:
            KafkaError, OSError: the broker does not answer.
            PyMongoError: the database is away.
        """
        found: Offsets = {}
        for locality in self._localities:
            of_locality = [at for at in partitions if at.topic in event_topics(locality)]
            committed = await self._broker.committed(group(locality, self._service))
            handled = await HandledOffsets(self._mongo, locality).read()
            found |= handled_by_us(handled, committed, of_locality)
        return found

    async def record(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Records that the database has every record before these offsets, once a rebuild has folded them.

        A consumer that was ahead of the database goes on from there.

        Raises:
            KafkaError, OSError: the broker does not answer.
            PyMongoError: the database is away.
        """
        for locality in self._localities:
            rows = HandledOffsets(self._mongo, locality)
            topics = await self._broker.topics(event_topics(locality))
            reached = {
                at: HandledOffset(topics[at.topic].log, offset)
                for at, offset in offsets.items()
                if at.topic in topics
            }
            await rows.catch_up(reached)
