"""Refusals of commands, in sentences for the operator."""

from typing import Final

from pymongo.errors import OperationFailure, PyMongoError

from shared.contract.events.topics import Part
from shared.delivery.model.errors import Conflict, Transient

_NO_SUCH_USER: Final = 18
_NO_RIGHT: Final = 13


class CommandError(Exception):
    """A refusal in one sentence; the command ends with exit code 2."""


def database_error(service: Part, error: PyMongoError | Transient) -> CommandError:
    """The refusal for an error of the database.

    It never quotes the database's own words, which may name a user or an address.
    """
    return CommandError(_sentence(service, error))


def _sentence(service: Part, error: PyMongoError | Transient) -> str:
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
