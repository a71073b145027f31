"""Makes the topics of localities, partners, dead letters and control. Existing ones are left unchanged.

If the control topic is empty, the localities file becomes the first version of the programme's table.

    python -m deploy.topics

Reads LINKWORK_KAFKA_..., and LINKWORK_LOCALITIES_FILE for a file other than the standard one.
"""

import asyncio
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.contract.events.topics import (
    CONTROL_TOPIC,
    PARTS,
    dead_letter_topic,
    event_topics,
    partner_topics,
)
from shared.delivery.control.log import NoControlTopic
from shared.delivery.control.publishing import publish_table, standing_versions
from shared.platform.clock import Clock, system_clock
from shared.platform.kafka_connection import BadKafkaSettings, KafkaConnection, connection_from
from shared.platform.localities import LOCALITIES_FILE, Localities
from shared.platform.localities.document import read_document
from shared.platform.localities.loading import localities_of

_TOPIC_SECONDS = 30.0
DAY = 24 * 60 * 60 * 1000
# The author of the version that a new installation begins with.
FIRST_AUTHOR = "installation"
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


async def set_up(
    kafka: KafkaConnection,
    file: Path,
    *,
    partitions: int = PARTITIONS,
    replication: int = 1,
    control: str = CONTROL_TOPIC,
    clock: Clock = system_clock,
) -> tuple[int, Localities]:
    """Makes the topics of all localities of the table, and publishes the file where there is no table yet.

    Returns how many topics were made, and the newest table; raises KafkaError or LocalitiesError.
    """
    make = partial(create_topics, kafka, partitions=partitions, replication=replication)
    made = await make([], control=control)
    table = await first_state(kafka, file, control, clock)
    return made + await make(table.slugs, table.partners()), table


async def first_state(
    kafka: KafkaConnection, file: Path, control: str = CONTROL_TOPIC, clock: Clock = system_clock
) -> Localities:
    """Publishes the file if the control topic is empty; returns the newest table."""
    async with asyncio.timeout(_TOPIC_SECONDS):
        while True:
            try:
                newest = (await standing_versions(kafka, control)).versions.newest
                break
            except NoControlTopic:  # Just made, and not every broker knows it yet.
                await asyncio.sleep(0.1)
    if newest is not None:
        return newest.localities
    document = read_document(file)
    await publish_table(kafka, control, document, FIRST_AUTHOR, clock())
    return localities_of(document, file.name)


def main() -> Localities:
    """Runs the command and prints the number of topics made. Returns the newest table."""
    try:
        kafka = connection_from(os.environ)
    except BadKafkaSettings as problem:
        raise SystemExit(str(problem)) from None
    made, table = asyncio.run(
        set_up(
            kafka,
            Path(os.environ.get("LINKWORK_LOCALITIES_FILE") or LOCALITIES_FILE),
            partitions=int(os.environ.get("LINKWORK_PARTITIONS") or PARTITIONS),
            replication=int(os.environ.get("LINKWORK_REPLICATION") or 1),
            control=os.environ.get("LINKWORK_CONTROL_TOPIC") or CONTROL_TOPIC,
        )
    )
    print(f"{made} topics made")
    return table


if __name__ == "__main__":
    main()
