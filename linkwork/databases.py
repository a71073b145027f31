"""A service's database, as far as it is that service's and lets us in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from pymongo.errors import ConfigurationError, InvalidName, OperationFailure, PyMongoError

from linkwork.problem import CommandError
from linkwork.surroundings import Config
from shared.contract.events.topics import Part
from shared.delivery.model.errors import Conflict, Transient
from shared.delivery.mongo.database import Mongo
from shared.delivery.rebuild.generations import owner_of

_NO_SUCH_USER: Final = 18
_NO_RIGHT: Final = 13


@asynccontextmanager
async def database_of(around: Config, service: Part) -> AsyncIterator[Mongo]:
    """A connection to the database of this service, and of no other: the way in for every command.

    Raises:
        CannotDo: it is another's or nobody's, does not answer, or refuses us.
    """
    mongo = _connection(around, service)
    try:
        await _check_owner(around, service, mongo)
        yield mongo
    except (PyMongoError, Transient) as error:
        raise CommandError(why_not(service, error)) from error
    finally:
        await mongo.close()


def _connection(around: Config, service: Part) -> Mongo:
    try:
        return Mongo(around.mongo_url, around.database(service), name="linkwork console")
    except InvalidName:
        raise CommandError("LINKWORK_DATABASE is set to what no database can be called.") from None
    except (ConfigurationError, ValueError):  # their messages may quote the address, and a password in it
        raise CommandError(
            "LINKWORK_MONGO_URL cannot be read as an address: write mongodb://host:port/?replicaSet=name, "
            "and signs such as @ : / % in a password as %40 %3A %2F %25."
        ) from None


async def _check_owner(around: Config, service: Part, mongo: Mongo) -> None:
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
    if around.own_database:
        raise CommandError(
            f"{what}: LINKWORK_DATABASE is {name}, and without it linkwork_{service} is meant. Set it to "
            f"what {service} has, or run this with the environment of {service}."
        )
    raise CommandError(
        f"{what}: LINKWORK_DATABASE is not set. Set it to what {service} has, and look whether "
        "LINKWORK_MONGO_URL is the right one."
    )


def why_not(service: Part, error: PyMongoError | Transient) -> str:
    """What an operator is told; never the database's own words, which may name a user or an address."""
    if isinstance(error, Conflict):
        return f"Somebody else is writing the same in the database of {service}: try again."
    if isinstance(error, OperationFailure) and error.code == _NO_SUCH_USER:
        return (
            f"The database of {service} refuses us: user or password is wrong. Look at LINKWORK_MONGO_URL: "
            "user, password, and authSource where the user is kept elsewhere."
        )
    if isinstance(error, OperationFailure) and error.code == _NO_RIGHT:
        return (
            f"The database of {service} refuses us: the user may not do that there. It needs readWrite; is "
            f"LINKWORK_MONGO_URL that of {service}?"
        )
    if isinstance(error, OperationFailure):
        return f"The database of {service} answers and refuses (code {error.code})."
    return f"The database of {service} does not answer ({type(error).__name__})."
