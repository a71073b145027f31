"""Configuration of a kernel. The default timings are measured; few deployments need others."""

from dataclasses import dataclass, replace
from socket import gethostname
from typing import Final, Protocol

from pydantic import SecretStr

from shared.platform.kafka_connection import KafkaConnection

# An instance id that stands for the machine's name, for processes that have a machine to themselves.
HOSTNAME: Final = "@hostname"
_GATHER_MS: Final = 1000
# A process of more localities waits longer for each fetch, as each has a client of its own. A change of
# partitions waits for the fetch before it, so there is a limit.
_FEW_LOCALITIES: Final = 16
_LONGEST_WAIT_MS: Final = 2000
_GATHER_BYTES: Final = 65_536


class _Settings(Protocol):
    @property
    def kafka(self) -> KafkaConnection: ...
    @property
    def mongo_url(self) -> str: ...
    @property
    def database(self) -> str: ...
    @property
    def dead_letter_key(self) -> SecretStr: ...
    @property
    def audit_days(self) -> int: ...
    @property
    def session_timeout_ms(self) -> int: ...
    @property
    def instance_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Options:
    """Addresses of the broker and the database, and the timings of a kernel.

    Attributes:
        audit_days: the database removes audit entries after so many days.
        instance_id: a process with an instance id evicts its predecessor (`kafka/instance.py`).
        batch_timeout_ms: FastStream's pause after an empty poll; not used, see `kafka/patches/polling.py`.
        fetch_bytes: the broker answers a fetch once it has so many bytes, or after `fetch_wait_ms`.
        commit_seconds: interval of offset commits. After a kill, later records come again as duplicates.
        session_timeout_ms: after `kill -9`, a group waits so long before it reassigns the partitions.
        drain_seconds: a rebalance or a stop waits so long for the batch in hand.
        lease_seconds: after `kill -9`, another process takes over the dead process's leases after this time.
        transaction_seconds: a batch that takes longer is halved; MongoDB ends a transaction after 60 s.
        max_conflicts: after more conflicts in a row, the record itself is taken to be the cause.
        breaker_failures: a locality's stream stops after so many failures of our own code in a row.
    """

    kafka: KafkaConnection
    mongo_url: str
    database: str
    dead_letter_key: bytes
    instance_id: str = ""
    audit_days: int = 2922
    batch_records: int = 2000
    batch_timeout_ms: int = 10
    fetch_bytes: int = 1
    fetch_wait_ms: int = 500
    commit_seconds: float = 0.25
    session_timeout_ms: int = 6000
    drain_seconds: float = 5.0
    lease_seconds: float = 3.0
    task_poll_seconds: float = 0.5
    transaction_seconds: float = 30.0
    max_conflicts: int = 30
    breaker_failures: int = 5
    breaker_open_seconds: float = 30.0

    def serving(self, localities: int) -> "Options":
        """These options for a consumer in a process that serves so many localities.

        A fetch is answered at once when there are records. Without any, its wait decides what a locality
        costs at rest.
        """
        wait = min(self.fetch_wait_ms * localities // _FEW_LOCALITIES, _LONGEST_WAIT_MS)
        return replace(self, fetch_wait_ms=max(self.fetch_wait_ms, wait))

    @classmethod
    def unhurried(cls, settings: _Settings) -> "Options":
        """Options of a service that no person waits for: the broker gathers records for larger batches."""
        return replace(cls.of(settings), fetch_bytes=_GATHER_BYTES, fetch_wait_ms=_GATHER_MS)

    @classmethod
    def of(cls, settings: _Settings) -> "Options":
        """Options from a service's settings."""
        return cls(
            kafka=settings.kafka,
            mongo_url=settings.mongo_url,
            database=settings.database,
            dead_letter_key=settings.dead_letter_key.get_secret_value().encode(),
            audit_days=settings.audit_days,
            instance_id=gethostname() if settings.instance_id == HOSTNAME else settings.instance_id,
            session_timeout_ms=settings.session_timeout_ms,
            lease_seconds=settings.session_timeout_ms / 1000,
        )
