"""Makes the topics of every locality and partner, and of dead letters. Existing topics are left unchanged.

    python -m deploy.topics

Reads LINKWORK_KAFKA_..., and LINKWORK_LOCALITIES_FILE for a file other than the standard one.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.contract.events.topics import PARTS, dead_letter_topic, event_topics, partner_topics
from shared.platform.kafka_connection import BadKafkaSettings, KafkaConnection, connection_from
from shared.platform.localities import LOCALITIES_FILE, load_localities

DAY = 24 * 60 * 60 * 1000
# The three topics of a locality have as many partitions each, so that one replica reads all of a referral.
PARTITIONS = 3
# Facts are kept for ever. A record must fit a dead letter with its headers, so that limit is higher.
EVENTS = {"retention.ms": "-1", "max.message.bytes": "1048588"}
DEAD_LETTERS = {"retention.ms": str(30 * DAY), "max.message.bytes": "2097152"}
# One partition, so that a partner's records keep their order whatever its client does.
PARTNERS = {"retention.ms": str(30 * DAY), "max.message.bytes": "1048588"}
PARTNER_PARTITIONS = 1


async def create_topics(
    kafka: KafkaConnection,
    localities: Sequence[str],
    partners: Sequence[str] = (),
    *,
    partitions: int = PARTITIONS,
    replication: int = 1,
) -> int:
    """Creates the topics that are missing for these slugs and partners' sources.

    Returns:
        The number of topics made.

    Raises:
        KafkaError: the broker refuses one.
    """
    wanted = {
        **{name: EVENTS for locality in localities for name in event_topics(locality)},
        **{dead_letter_topic(part): DEAD_LETTERS for part in PARTS},
        **{name: PARTNERS for source in partners for name in partner_topics(source)},
    }
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    try:
        present = set(await admin.list_topics())
        missing = [
            NewTopic(
                name,
                PARTNER_PARTITIONS if configuration is PARTNERS else partitions,
                replication,
                topic_configs=configuration,
            )
            for name, configuration in wanted.items()
            if name not in present
        ]
        if missing:
            answer = await admin.create_topics(missing, timeout_ms=30_000)
            for _, code, *_ in answer.topic_errors:
                if code not in (0, TopicAlreadyExistsError.errno):
                    raise for_code(code)()
        return len(missing)
    finally:
        await admin.close()


def main() -> None:
    """Runs the command and prints the number of topics made."""
    file = Path(os.environ.get("LINKWORK_LOCALITIES_FILE") or LOCALITIES_FILE)
    localities = load_localities(file)
    try:
        kafka = connection_from(os.environ)
    except BadKafkaSettings as problem:
        raise SystemExit(str(problem)) from None
    made = asyncio.run(
        create_topics(
            kafka,
            localities.slugs,
            localities.partners(),
            partitions=int(os.environ.get("LINKWORK_PARTITIONS") or PARTITIONS),
            replication=int(os.environ.get("LINKWORK_REPLICATION") or 1),
        )
    )
    print(f"{made} topics made")


if __name__ == "__main__":
    main()
