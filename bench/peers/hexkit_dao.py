"""Handles records with hexkit's subscriber, DAO and publisher.

    python -m bench.peers.hexkit_dao <run arguments>

Its outbox DAO stores the state and publishes it: one document saved as unpublished, sent, saved as published.
The program runs in an environment of its own (requirements/bench.txt): nothing of the product depends on
hexkit.
"""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from hexkit.providers.akafka import KafkaEventSubscriber
from hexkit.providers.mongokafka import MongoKafkaConfig, MongoKafkaDaoPublisherFactory
from pydantic import BaseModel

from bench.peers.control import Control, arguments, kafka
from bench.peers.job import Referral, meeting


class Booked(BaseModel):
    """The stored document of a referral."""

    referral_id: str
    locality: str
    practice: str
    person_ref: str
    needs: list[str]
    urgency: str
    stage: str = "booked"


class Translator:
    """Hands the subscriber's events to the DAO."""

    def __init__(self, control: Control, dao: Any, topic: str) -> None:
        self._control = control
        self._dao = dao
        self.topics_of_interest = [topic]
        self.types_of_interest = ["referral_created"]

    async def consume(
        self, *, payload: dict[str, Any], type_: str, topic: str, key: str, event_id: Any
    ) -> None:
        """Called by hexkit for each event."""
        self._control.began()
        referral = Referral.model_validate(payload)
        await self._dao.upsert(Booked(**referral.model_dump(exclude={"age_band"})))


def _identify(client: Any, identity: dict[str, Any]) -> None:
    """Makes every client of this class connect with this identity."""
    make = client.__init__

    def made(self: Any, *given: Any, **more: Any) -> None:
        make(self, *given, **(more | identity))

    client.__init__ = made


async def main() -> None:
    """Runs the program until SIGTERM."""
    asked = arguments().parse_args()
    control, connection = Control(), kafka()
    # hexkit has no settings for SASL.
    for client in (AIOKafkaConsumer, AIOKafkaProducer):
        _identify(client, connection.client_arguments())
    await control.go()
    config = MongoKafkaConfig(
        service_name=asked.group,
        service_instance_id="1",
        kafka_servers=connection.bootstrap.split(","),
        mongo_dsn=asked.mongo_url,
        db_name=asked.database,
    )
    async with MongoKafkaDaoPublisherFactory.construct(config=config) as factory:
        dao = await factory.get_dao(
            name="referrals",
            dto_model=Booked,
            id_field="referral_id",
            dto_to_event=lambda booked: meeting(
                Referral(age_band="", **booked.model_dump(exclude={"stage"}))
            ),
            event_topic=asked.write,
            autopublish=True,
        )
        translator = Translator(control, dao, asked.read)
        async with KafkaEventSubscriber.construct(config=config, translator=translator) as subscriber:
            running = asyncio.create_task(subscriber.run())
            stopping = asyncio.create_task(control.stop.wait())
            await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


if __name__ == "__main__":
    asyncio.run(main())
