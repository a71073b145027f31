"""A batch of bulk upserts with no guarantee at all: python -m bench.peers.bulk <where everything is>

No transaction, no outbox, nothing remembered of what was heard: a death between store and publish loses
meetings, a repeat publishes its meeting again.
"""

import asyncio

import uvloop
from aiokafka import AIOKafkaProducer
from pymongo import AsyncMongoClient, UpdateOne

from bench.peers.batches import batches
from bench.peers.job import Referral, published, state
from bench.peers.told import Told, arguments, kafka


async def main() -> None:
    asked = arguments().parse_args()
    told = Told()
    await told.go()
    async with (
        AsyncMongoClient[dict[str, object]](asked.mongo_url) as client,
        AIOKafkaProducer(**kafka().client_arguments(), max_batch_size=131_072) as producer,
    ):
        referrals = client[asked.database]["referrals"]
        async for records in batches(told, asked.read, asked.group):
            heard = [Referral.model_validate_json(record.value or b"") for record in records]
            await referrals.bulk_write(
                [UpdateOne({"_id": each.referral_id}, {"$set": state(each)}, upsert=True) for each in heard],
                ordered=False,
            )
            sent = [
                await producer.send(asked.write, published(each), key=each.referral_id.encode())
                for each in heard
            ]
            await asyncio.gather(*sent)


if __name__ == "__main__":
    uvloop.run(main())
