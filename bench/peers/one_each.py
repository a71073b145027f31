"""Does the whole job with one transaction for each event.

    python -m bench.peers.one_each <run arguments>

As safe as the kernel and of the same shape: the referral's document is its own inbox, and a relay publishes
the outbox. Only the transaction for each event differs.
"""

import asyncio
from functools import partial
from typing import Any

import uvloop
from aiokafka import AIOKafkaProducer, ConsumerRecord
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from bench.peers.batches import batches
from bench.peers.control import Control, arguments, kafka
from bench.peers.job import Referral, published, state

Documents = AsyncDatabase[dict[str, Any]]


async def handle(
    database: Documents, record: "ConsumerRecord[bytes, bytes]", session: AsyncClientSession
) -> None:
    """Handles one event in a transaction: a repeat changes nothing, a second fact books no second meeting."""
    referral = Referral.model_validate_json(record.value or b"")
    identity = next(value for name, value in record.headers if name == "ce_id").decode()
    known = await database["referrals"].find_one({"_id": referral.referral_id}, session=session)
    fact = {"i": identity, "b": record.value}
    if known is None:
        document = {"_id": referral.referral_id, "v": 1, "facts": [fact], **state(referral)}
        await database["referrals"].insert_one(document, session=session)
        message = {"key": record.key, "value": published(referral)}
        await database["outbox"].insert_one(message, session=session)
    elif all(each["i"] != identity for each in known["facts"]):
        await database["referrals"].update_one(
            {"_id": referral.referral_id, "v": known["v"]},
            {"$push": {"facts": fact}, "$set": state(referral), "$inc": {"v": 1}},
            session=session,
        )


async def relay(database: Documents, topic: str, stop: asyncio.Event) -> None:
    """Publishes the outbox and deletes the acknowledged rows."""
    async with AIOKafkaProducer(**kafka().client_arguments()) as producer:
        while not stop.is_set():
            rows = await database["outbox"].find({}).limit(500).to_list()
            sent = [await producer.send(topic, row["value"], key=row["key"]) for row in rows]
            await asyncio.gather(*sent)
            if rows:
                await database["outbox"].delete_many({"_id": {"$in": [row["_id"] for row in rows]}})
            await asyncio.sleep(0.02)


async def main() -> None:
    """Runs the program until SIGTERM."""
    asked = arguments().parse_args()
    control = Control()
    await control.go()
    async with AsyncMongoClient[dict[str, Any]](asked.mongo_url) as client:
        database = client[asked.database]
        relaying = asyncio.create_task(relay(database, asked.write, control.stop))
        async for records in batches(control, asked.read, asked.group, most=100):
            for record in records:
                async with client.start_session() as session:
                    await session.with_transaction(
                        partial(handle, database, record),
                        read_concern=ReadConcern("snapshot"),
                        write_concern=WriteConcern("majority"),
                    )
        await relaying


if __name__ == "__main__":
    uvloop.run(main())
