"""Handles a batch with bulk upserts and no guarantee at all.

    python -m bench.peers.bulk <run arguments>

No transaction, no outbox, no inbox. If the program dies between store and publish, meetings are lost. A
repeated record publishes its meeting again.
"""

import asyncio

import uvloop
from aiokafka import AIOKafkaProducer
from pymongo import AsyncMongoClient, UpdateOne

from bench.peers.batches import batches
from bench.peers.control import Control, arguments, kafka
from bench.peers.job import Referral, published, state


async def main() -> None:
    """Runs the program until SIGTERM."""
    asked = arguments().parse_args()
    control = Control()
    await control.go()
    async with (
        AsyncMongoClient[dict[str, object]](asked.mongo_url) as client,
        AIOKafkaProducer(**kafka().client_arguments(), max_batch_size=131_072) as producer,
    ):
        referrals = client[asked.database]["referrals"]
        async for records in batches(control, asked.read, asked.group):
            received = [Referral.model_validate_json(record.value or b"") for record in records]
            await referrals.bulk_write(
                [
                    UpdateOne({"_id": each.referral_id}, {"$set": state(each)}, upsert=True)
                    for each in received
                ],
                ordered=False,
            )
            sent = [
                await producer.send(asked.write, published(each), key=each.referral_id.encode())
                for each in received
            ]
            await asyncio.gather(*sent)


if __name__ == "__main__":
    uvloop.run(main())
