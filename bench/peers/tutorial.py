"""Uses FastStream as its tutorial does.

    python -m bench.peers.tutorial <run arguments>

Each message is handled alone and stored with Motor. The decorator publishes the answer. All settings are
defaults.
"""

from typing import Annotated, Any

import uvloop
from faststream import Context
from faststream.kafka import KafkaBroker
from motor.motor_asyncio import AsyncIOMotorClient

from bench.peers.control import Control, arguments, kafka
from bench.peers.job import Referral, meeting, state


async def main() -> None:
    """Runs the program until SIGTERM."""
    asked = arguments().parse_args()
    control = Control()
    await control.go()
    client: AsyncIOMotorClient = AsyncIOMotorClient(asked.mongo_url)
    referrals = client[asked.database]["referrals"]
    broker = KafkaBroker(**kafka().faststream_arguments(), logger=None)

    async def book(
        referral: Referral, identity: Annotated[str, Context("message.headers.ce_id")]
    ) -> dict[str, Any]:
        control.began()
        await referrals.update_one(
            {"_id": referral.referral_id}, {"$set": state(referral) | {"received": identity}}, upsert=True
        )
        return meeting(referral)

    # The tutorial writes this as two decorators.
    subscriber = broker.subscriber(asked.read, group_id=asked.group, auto_offset_reset="earliest")
    subscriber(broker.publisher(asked.write)(book))
    async with broker:
        await broker.start()
        await control.stop.wait()
    client.close()


if __name__ == "__main__":
    uvloop.run(main())
