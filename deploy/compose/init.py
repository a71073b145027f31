"""Sets the containers' stores up: a replica set of one, topics, Kafka's users and their rights.

    python -m deploy.compose.init

Reads LINKWORK_MONGO_URL, and the settings of `deploy.topics`. A second run changes nothing.
"""

import asyncio
import os
from typing import Final

from aiokafka.errors import KafkaError
from pymongo.uri_parser import parse_uri

from deploy import topics
from deploy.compose.keys import FOLDER, passwords_in
from deploy.local.broker import answers
from deploy.local.guard import store_broker_user
from deploy.local.replica_set import become_primary
from shared.platform.access.cluster import Cluster
from shared.platform.access.declaration import Declaration, declare
from shared.platform.access.render import apply
from shared.platform.kafka_connection import BadKafkaSettings, KafkaConnection, connection_from

READY_WITHIN: Final = 120.0
CONTROLLER_PORT: Final = 9093


async def stores_ready(kafka: KafkaConnection, mongo_url: str) -> None:
    """Waits for the broker and for a primary. Raises TimeoutError after READY_WITHIN seconds."""
    host, port = parse_uri(mongo_url)["nodelist"][0]
    ready = asyncio.gather(broker_ready(kafka), become_primary(host, port, check_alive=lambda: None))
    await asyncio.wait_for(ready, READY_WITHIN)


async def broker_ready(kafka: KafkaConnection) -> None:
    """Waits until the broker knows its own user, which a volume made without users does not have."""
    host = kafka.bootstrap.partition(":")[0]
    while True:
        try:
            await store_broker_user(host, CONTROLLER_PORT, kafka.password.get_secret_value())
        except (KafkaError, OSError, TimeoutError):
            await asyncio.sleep(0.2)
        else:
            return await answers(kafka)


async def give_rights(kafka: KafkaConnection, declared: Declaration) -> None:
    """Stores the users with their passwords, and their rights."""
    passwords = passwords_in(FOLDER, declared.users)
    async with Cluster(kafka) as cluster:
        await cluster.store_users(passwords)
        await apply(cluster, declared, lambda _: passwords)


def main() -> None:
    """Runs the command."""
    try:
        kafka = connection_from(os.environ)
        asyncio.run(stores_ready(kafka, os.environ["LINKWORK_MONGO_URL"]))
    except BadKafkaSettings as problem:
        raise SystemExit(str(problem)) from None
    except TimeoutError:
        raise SystemExit(f"Kafka or MongoDB did not answer within {READY_WITHIN:.0f} s.") from None
    table = topics.main()
    asyncio.run(give_rights(kafka, declare(table, demo=True)))


if __name__ == "__main__":
    main()
