"""Connections to the services' databases, each checked for its owner."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymongo.errors import ConfigurationError, InvalidName, PyMongoError

from linkwork.config import Config
from linkwork.errors import CommandError, database_error
from shared.contract.events.topics import Part
from shared.delivery.model.errors import Transient
from shared.delivery.mongo.database import Mongo
from shared.delivery.rebuild.generations import owner_of


@asynccontextmanager
async def database_of(config: Config, service: Part) -> AsyncIterator[Mongo]:
    """Connects to the database of this service, and checks that it belongs to no other.

    Raises:
        CommandError: the database has another owner or none, does not answer, or refuses us.
    """
    mongo = connection_to(config, service)
    try:
        await _check_owner(config, service, mongo)
        yield mongo
    except (PyMongoError, Transient) as error:
        raise database_error(service, error) from error
    finally:
        await mongo.close()


def connection_to(config: Config, service: Part) -> Mongo:
    """A connection to the database of this service, whosever it is.

    Raises:
        CommandError: the address or the name cannot be read.
    """
    try:
        return Mongo(config.mongo_url, config.database(service), name="linkwork console")
    except InvalidName:
        raise CommandError("LINKWORK_DATABASE is set to what no database can be called.") from None
    except (ConfigurationError, ValueError):  # Their messages may quote the address with its password.
        raise CommandError(
            "LINKWORK_MONGO_URL cannot be read as an address: write mongodb://host:port/?replicaSet=name, "
            "and signs such as @ : / % in a password as %40 %3A %2F %25."
        ) from None


async def _check_owner(config: Config, service: Part, mongo: Mongo) -> None:
    name = mongo.database.name
    owner = await owner_of(mongo)
    if owner == service:
        return
    if owner is not None:
        what = f"The database {name} is that of {owner}, and {service} was asked for"
    elif await mongo.database.list_collection_names():
        raise CommandError(
            f"The database {name} does not say which service it belongs to: is it that of {service}, start "
            "the service once with this version, which writes it down."
        )
    else:
        what = f"No service has ever used the database {name}, in which that of {service} was looked for"
    if config.own_database:
        raise CommandError(
            f"{what}: LINKWORK_DATABASE is {name}, and without it linkwork_{service} is meant. Set it to "
            f"what {service} has, or run this with the environment of {service}."
        )
    raise CommandError(
        f"{what}: LINKWORK_DATABASE is not set. Set it to what {service} has, and look whether "
        "LINKWORK_MONGO_URL is the right one."
    )
