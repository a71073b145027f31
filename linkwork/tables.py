"""The programme's table as the commands read it: from the control topic, or from a file without one."""

import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka.errors import KafkaError

from linkwork.config import Config
from linkwork.errors import CommandError
from shared.delivery.control.log import NoControlTopic
from shared.delivery.control.publishing import Standing, standing_versions
from shared.platform.clock import system_clock
from shared.platform.localities import Localities, LocalitiesError
from shared.platform.localities.versions import EXPORT_SUFFIX, exported, load_table

NO_TOPIC = "There is no control topic: make it with `python -m deploy.topics`, which publishes the file."


async def read_standing(config: Config) -> Standing | None:
    """The versions of the control topic; None if there is no such topic.

    Raises:
        CommandError: the broker does not answer, or refuses us.
    """
    try:
        return await standing_versions(config.kafka, config.control_topic)
    except NoControlTopic:
        return None
    except (KafkaError, OSError) as error:
        raise CommandError(
            f"Kafka does not answer at {config.kafka.bootstrap}, or refuses us ({type(error).__name__}): "
            "look at LINKWORK_KAFKA_BOOTSTRAP, user and password."
        ) from error


async def table_in_force(config: Config) -> Localities:
    """The table in force.

    Raises:
        CommandError: the broker does not answer, or there is no topic and the file is wrong.
    """
    async with table_file(config) as file:
        return _table_of(file)


async def newest_table(config: Config) -> Localities:
    """The newest table, in force or not yet: rights are given before it is.

    Raises:
        CommandError: the broker does not answer, or there is no topic and the file is wrong.
    """
    standing = await read_standing(config)
    newest = standing.versions.newest if standing else None
    return newest.localities if newest else _table_of(config.localities_file)


def _table_of(file: Path) -> Localities:
    try:
        return load_table(file)
    except LocalitiesError as error:
        raise CommandError(f"The localities cannot be read: {error}") from error


@asynccontextmanager
async def table_file(config: Config) -> AsyncIterator[Path]:
    """A file with the table in force: an export of the control topic, or the localities file without one.

    Raises:
        CommandError: the broker does not answer, or refuses us.
    """
    standing = await read_standing(config)
    version = standing.versions.in_force(system_clock()) if standing else None
    if standing is None or version is None:
        print("There is no control topic: the localities file is taken for the table.", file=sys.stderr)
        yield config.localities_file
        return
    with tempfile.TemporaryDirectory(prefix="linkwork-table-") as folder:
        file = Path(folder) / f"control{EXPORT_SUFFIX}"
        file.write_bytes(exported(each for each in standing.versions if each.number <= version.number))
        yield file
