"""A process of the tallied part, to be killed: python -m tests.harness.rebuild.process <database as JSON>"""

import asyncio
import json
import os
import sys
from dataclasses import replace

from shared.delivery.kernel import Kernel
from shared.delivery.options import Options
from shared.platform.kafka_connection import connection_from
from tests.harness.rebuild.tallied import TALLIED


async def main(told: dict[str, str]) -> None:
    locality = told.pop("locality")
    key = told.pop("key").encode()
    kafka = connection_from(os.environ)
    options = Options(kafka=kafka, **told, dead_letter_key=key, lease_seconds=2.0, task_poll_seconds=0.1)  # type: ignore[arg-type]  # all of these are text
    options = replace(options, session_timeout_ms=3000)
    async with Kernel(TALLIED, options, [locality]).running():
        print("runs", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
