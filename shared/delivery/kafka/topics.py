"""Makes the topics of localities, partners, dead letters and control. Existing ones are left unchanged."""

from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.contract.events.topics import PARTS, dead_letter_topic, event_topics, partner_topics
from shared.platform.kafka_connection import KafkaConnection

DAY = 24 * 60 * 60 * 1000
# The three topics of a locality have as many partitions each, so that one replica reads all of a referral.
PARTITIONS = 3
# Facts are kept for ever. A record must fit a dead letter with its headers, so that limit is higher.
EVENTS = {"retention.ms": "-1", "max.message.bytes": "1048588"}
CONTROL = {"retention.ms": "-1", "cleanup.policy": "delete"}
DEAD_LETTERS = {"retention.ms": str(30 * DAY), "max.message.bytes": "2097152"}
# One partition, so that a partner's records keep their order with every client.
PARTNERS = {"retention.ms": str(30 * DAY), "max.message.bytes": "1048588"}
PARTNER_PARTITIONS = 1


async def create_topics(
    kafka: KafkaConnection,
    localities: Sequence[str],
    partners: Sequence[str] = (),
    *,
    partitions: int = PARTITIONS,
    replication: int = 1,
    control: str | None = None,
) -> int:
    """Creates the topics that are missing for these slugs, partners' sources, and the topic `control`.

    Returns:
        The number of topics made.

    Raises:
        KafkaError: the broker refuses one.
    """
    wanted = {
        **{name: (partitions, EVENTS) for locality in localities for name in event_topics(locality)},
        **{dead_letter_topic(part): (partitions, DEAD_LETTERS) for part in PARTS},
        **{name: (PARTNER_PARTITIONS, PARTNERS) for source in partners for name in partner_topics(source)},
        **({control: (1, CONTROL)} if control else {}),
    }
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    try:
        present = set(await admin.list_topics())
        missing = [
            NewTopic(name, number, replication, topic_configs=configuration)
            for name, (number, configuration) in wanted.items()
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
