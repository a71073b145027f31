"""A connection that closed under uvloop is a lost connection, whoever notices first.

Until it has noticed that its connection is gone, aiokafka writes to it. asyncio drops what is written; uvloop
raises a RuntimeError, which aiokafka does not expect: the task that fetches, the one that keeps the metadata
or the one that joins the group ends, and nobody begins it again (github.com/aio-libs/aiokafka, issue 1038).
Here it is told what it would have found out next.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_SENDS = {name: getattr(AIOKafkaConnection, name) for name in ("send", "_send_sasl_token")}


def lose_closed_connections() -> None:
    """Makes this process's Kafka clients take it so."""
    for name, send in _SENDS.items():
        setattr(AIOKafkaConnection, name, _losing(send))


def _losing(send: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(send)
    def send_or_lose(connection: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return send(connection, *args, **kwargs)
        except NotImplementedError:  # a kind of RuntimeError, and a mistake
            raise
        except RuntimeError as error:
            connection.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(
                f"Connection at {connection.host}:{connection.port} broken: {error}"
            ) from error

    return send_or_lose
