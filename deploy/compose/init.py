"""Sets the containers' stores up: a replica set of one node, and the topics. A second run changes nothing.

    python -m deploy.compose.init

Reads LINKWORK_MONGO_URL, and the settings of `deploy.topics`.
"""

import asyncio
import os

from pymongo.uri_parser import parse_uri

from deploy import topics
from deploy.local.broker import answers
from deploy.local.replica_set import become_primary
from shared.platform.kafka_connection import KafkaConnection, connection_from

READY_WITHIN = 120.0


async def stores_ready(kafka: KafkaConnection, mongo_url: str) -> None:
    """Waits for the broker and for a primary. Raises TimeoutError after READY_WITHIN seconds."""
    host, port = parse_uri(mongo_url)["nodelist"][0]
    ready = asyncio.gather(answers(kafka), become_primary(host, port, check_alive=lambda: None))
    await asyncio.wait_for(ready, READY_WITHIN)


def main() -> None:
    """Runs the command."""
    try:
        asyncio.run(
            stores_ready(connection_from(os.environ), os.environ["LINKWORK_MONGO_URL"]),
        )
    except TimeoutError:
        raise SystemExit(f"Kafka or MongoDB did not answer within {READY_WITHIN:.0f} s.") from None
    topics.main()


if __name__ == "__main__":
    main()
