"""The notifications service of one locality in a process of its own, to be killed.

    python -m tests.harness.notifications.process <database> <locality> <certificates>

Its stores are those that LINKWORK_KAFKA_* and LINKWORK_MONGO_URL name.
"""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

from services.notifications.app import create_app
from services.notifications.settings import NotificationsSettings
from shared.delivery.options import Options
from tests.harness.notifications.service_harness import programme


async def main(database: str, locality: str, certificates: str) -> None:
    settings = NotificationsSettings(
        env="development",
        mongo_url=os.environ["LINKWORK_MONGO_URL"],
        database=database,
        webhook_private_addresses=True,
        webhook_ca_file=Path(certificates),
        control_topic="none",
    )
    options = replace(Options.of(settings), dead_letter_key=b"a key for tests only", lease_seconds=2.0)
    app = create_app(settings, localities=programme(locality), options=options)
    async with app.router.lifespan_context(app):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
