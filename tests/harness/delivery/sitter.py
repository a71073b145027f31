"""A process of the toy part, to be killed.

Told MongoDB, database, locality, instance_id and the seconds after which it is found dead.
Says "sits" once it has partitions and its leases. Ends with an error if that takes too long, or after
a test's longest time, so that no test leaves it behind.
"""

import asyncio
import os
import sys

from shared.delivery.kernel import Kernel
from shared.delivery.options import Options
from shared.platform.kafka_connection import connection_from
from tests.harness.delivery.toy import TOY

SITS_WITHIN = 60.0
LONGEST = 300.0


async def main(mongo_url: str, database: str, locality: str, instance_id: str, seconds: str) -> None:
    options = Options(
        kafka=connection_from(os.environ),
        mongo_url=mongo_url,
        database=database,
        dead_letter_key=b"a key for tests only",
        instance_id=instance_id,
        session_timeout_ms=int(seconds) * 1000,
        lease_seconds=float(seconds),
    )
    async with asyncio.timeout(LONGEST), Kernel(TOY, options, [locality]).running() as kernel:
        async with asyncio.timeout(SITS_WITHIN):
            while not all(stream.detail()["partitions"] for stream in kernel._consumers):
                await asyncio.sleep(0.02)
        print("sits", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
