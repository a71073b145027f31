"""FastStream as its tutorial has it: python -m bench.peers.tutorial <where everything is>

One message at a time, stored with Motor, the answer published by the decorator, all settings as they come.
"""

from typing import Annotated, Any

import uvloop
from faststream import Context
from faststream.kafka import KafkaBroker
from motor.motor_asyncio import AsyncIOMotorClient

from bench.peers.job import Referral, meeting, state
from bench.peers.told import Told, arguments, kafka


async def main() -> None:
    asked = arguments().parse_args()
    told = Told()
    await told.go()
    client: AsyncIOMotorClient = AsyncIOMotorClient(asked.mongo_url)
    referrals = client[asked.database]["referrals"]
    broker = KafkaBroker(**kafka().faststream_arguments(), logger=None)

    async def book(
        referral: Referral, identity: Annotated[str, Context("message.headers.ce_id")]
    ) -> dict[str, Any]:
        told.began()
        await referrals.update_one(
            {"_id": referral.referral_id}, {"$set": state(referral) | {"heard": identity}}, upsert=True
        )
        return meeting(referral)

    # What the tutorial writes as two decorators.
    subscriber = broker.subscriber(asked.read, group_id=asked.group, auto_offset_reset="earliest")
    subscriber(broker.publisher(asked.write)(book))
    async with broker:
        await broker.start()
        await told.stop.wait()
    client.close()


if __name__ == "__main__":
    uvloop.run(main())
