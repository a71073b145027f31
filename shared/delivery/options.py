"""How a kernel is set up. Timings have the values that were measured to be right; few need others."""

from dataclasses import dataclass, replace
from socket import gethostname
from typing import Protocol

from pydantic import SecretStr

HOSTNAME = "@hostname"
"""The seat of a process that has a machine's name to itself, as in a container."""
_GATHER_MS = 1000
_GATHER_BYTES = 65_536


class _Settings(Protocol):
    @property
    def kafka_bootstrap(self) -> str: ...
    @property
    def mongo_url(self) -> str: ...
    @property
    def database(self) -> str: ...
    @property
    def dead_letter_key(self) -> SecretStr: ...
    @property
    def session_timeout_ms(self) -> int: ...
    @property
    def instance_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Options:
    """Where the broker and the database are, and how patient to be with them."""

    kafka_bootstrap: str
    mongo_url: str
    database: str
    dead_letter_key: bytes
    instance_id: str = ""
    """Whoever is started under the same name takes its predecessor for dead (`kafka/instance.py`)."""
    batch_records: int = 2000
    batch_timeout_ms: int = 10
    """How long FastStream would look away where nothing came. Ours do not (`listening.py`)."""
    fetch_bytes: int = 1
    fetch_wait_ms: int = 500
    """The broker answers once there are so many bytes, or after so long with what there is."""
    commit_seconds: float = 0.25
    """How often offsets are committed; what was handled since comes again after a kill, as repeats."""
    session_timeout_ms: int = 6000
    """After kill -9 a group waits this long before somebody else takes over."""
    drain_seconds: float = 5.0
    """How long a rebalance or a stop waits for the batch in hand."""
    lease_seconds: float = 3.0
    """After kill -9 somebody else takes over what the process published and decided alone."""
    task_poll_seconds: float = 0.5
    transaction_seconds: float = 30.0
    """A batch that takes longer is halved: MongoDB ends a transaction after 60 seconds."""
    max_conflicts: int = 30
    """Written by somebody else this often in a row is nobody else's doing, but a fault of our own."""
    breaker_failures: int = 5
    """Our own code may fail this often in a row before a locality's stream stops."""
    breaker_open_seconds: float = 30.0

    @classmethod
    def unhurried(cls, settings: _Settings) -> "Options":
        """For a part whose work nobody waits for: the broker gathers, so there are fewer transactions."""
        return replace(cls.of(settings), fetch_bytes=_GATHER_BYTES, fetch_wait_ms=_GATHER_MS)

    @classmethod
    def of(cls, settings: _Settings) -> "Options":
        return cls(
            kafka_bootstrap=settings.kafka_bootstrap,
            mongo_url=settings.mongo_url,
            database=settings.database,
            dead_letter_key=settings.dead_letter_key.get_secret_value().encode(),
            instance_id=gethostname() if settings.instance_id == HOSTNAME else settings.instance_id,
            session_timeout_ms=settings.session_timeout_ms,
            lease_seconds=settings.session_timeout_ms / 1000,
        )
