"""Makes the topics of localities, partners, dead letters and control. Existing ones are left unchanged."""

from collections.abc import Collection, Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.contract.events.topics import (
    PARTS,
    dead_letter_topic,
    event_topics,
    locality_of_source,
    partner_retention_ms,
    partner_topics,
    retention_ms,
)
from shared.platform.kafka_connection import KafkaConnection

DAY = 24 * 60 * 60 * 1000
# The three topics of a locality have as many partitions each, so that one replica reads all of a referral.
PARTITIONS = 3
# A record must fit a dead letter with its headers, so the limit of a dead letter is higher.
_LARGEST = {"max.message.bytes": "1048588"}
# The broker deletes whole segments. One that is written into is deleted only after it was rolled.
_ROLLED_DAILY = {"segment.ms": str(DAY)}
CONTROL = {"retention.ms": "-1", "cleanup.policy": "delete"}
DEAD_LETTERS = {"retention.ms": str(30 * DAY), "max.message.bytes": "2097152"}
# One partition, so that a partner's records keep their order with every client.
PARTNER_PARTITIONS = 1


def events_kept(*, sandbox: bool = False) -> dict[str, str]:
    """The settings of a locality's three topics. Facts are kept for ever, but in a sandbox."""
    rolled = _ROLLED_DAILY if sandbox else {}
    return {"retention.ms": str(retention_ms(sandbox=sandbox)), **_LARGEST, **rolled}


def partners_kept(*, sandbox: bool = False) -> dict[str, str]:
    """The settings of a partner's inbox and refusals."""
    rolled = _ROLLED_DAILY if sandbox else {}
    return {"retention.ms": str(partner_retention_ms(sandbox=sandbox)), **_LARGEST, **rolled}


async def create_topics(
    kafka: KafkaConnection,
    localities: Sequence[str],
    partners: Sequence[str] = (),
    *,
    sandboxes: Collection[str] = (),
    partitions: int = PARTITIONS,
    replication: int = 1,
    control: str | None = None,
) -> int:
    """Creates the topics that are missing for these slugs, partners' sources, and the topic `control`.

    `sandboxes`: those of the localities that are sandboxes, whose topics keep records for a week only.

    Returns:
        The number of topics made.

    Raises:
        KafkaError: the broker refuses one.
    """
    wanted = {
        **{
            name: (partitions, events_kept(sandbox=locality in sandboxes))
            for locality in localities
            for name in event_topics(locality)
        },
        **{dead_letter_topic(part): (partitions, DEAD_LETTERS) for part in PARTS},
        **{
            name: (PARTNER_PARTITIONS, partners_kept(sandbox=locality_of_source(source) in sandboxes))
            for source in partners
            for name in partner_topics(source)
        },
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
