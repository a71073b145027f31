"""Makes the topics of localities, partners, dead letters and control. Existing ones are left unchanged.

If the control topic is empty, the localities file becomes the first version of the programme's table.

    python -m deploy.topics

Reads LINKWORK_KAFKA_..., and LINKWORK_LOCALITIES_FILE for a file other than the standard one.
"""

import asyncio
import os
from functools import partial
from pathlib import Path

from shared.contract.events.topics import CONTROL_TOPIC
from shared.delivery.control.log import NoControlTopic
from shared.delivery.control.publishing import publish_table, standing_versions
from shared.delivery.kafka.topics import PARTITIONS, create_topics
from shared.platform.clock import Clock, system_clock
from shared.platform.kafka_connection import BadKafkaSettings, KafkaConnection, connection_from
from shared.platform.localities import LOCALITIES_FILE, Localities
from shared.platform.localities.document import read_document
from shared.platform.localities.loading import localities_of

_TOPIC_SECONDS = 30.0
# The author of the version that a new installation begins with.
FIRST_AUTHOR = "installation"


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
    sandboxes = [locality.slug for locality in table if locality.sandbox]
    return made + await make(table.slugs, table.partners(), sandboxes=sandboxes), table


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
