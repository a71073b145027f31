"""Patch of aiokafka under uvloop: a send over a closed connection is a lost connection.

Until aiokafka has noticed that a connection is closed, it writes to it. asyncio drops such a write, uvloop
raises a RuntimeError. aiokafka does not expect the error: the task that fetches, refreshes the metadata or
joins the group ends for good (github.com/aio-libs/aiokafka, issue 1038). The patch closes the connection and
raises the error that aiokafka expects.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_SENDS = {name: getattr(AIOKafkaConnection, name) for name in ("send", "_send_sasl_token")}


def install() -> None:
    """Patches all Kafka clients of this process."""
    for name, send in _SENDS.items():
        setattr(AIOKafkaConnection, name, _losing(send))


def _losing(send: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(send)
    def send_or_lose(connection: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return send(connection, *args, **kwargs)
        except NotImplementedError:  # It is a RuntimeError too, but a mistake of ours.
            raise
        except RuntimeError as error:
            connection.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(
                f"Connection at {connection.host}:{connection.port} broken: {error}"
            ) from error

    return send_or_lose
