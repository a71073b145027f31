"""The users and rights of a run's own broker: applied at the start if anything has changed."""

import hashlib
from pathlib import Path
from typing import Final

from aiokafka.errors import KafkaError
from pydantic import SecretStr

from deploy.local.errors import CannotRun
from deploy.local.kafka import Kafka
from shared.platform.access.cluster import Cluster
from shared.platform.access.declaration import Declaration
from shared.platform.access.render import apply
from shared.platform.access.users import kept_passwords, write_privately
from shared.platform.kafka_connection import KafkaConnection

# In the broker's folder: a digest of what was applied last.
APPLIED: Final = "access-applied"


class Access:
    """The declaration for one broker, and its users' passwords, which stay in the broker's folder."""

    def __init__(self, kafka: Kafka, declared: Declaration) -> None:
        self._kafka = kafka
        self._declared = declared
        self._passwords = kept_passwords(kafka.users, declared.users)

    def as_user(self, user: str) -> KafkaConnection:
        """The connection to the broker as this user."""
        return self._kafka.connection.as_user(user, SecretStr(self._passwords[user]))

    def file_of(self, user: str) -> Path:
        """The file that holds the user's password."""
        return self._kafka.users / user

    async def apply(self) -> bool:
        """Applies the declaration; False if it was applied before, with the same passwords.

        Raises:
            CannotRun: the broker refuses it.
        """
        applied, digest = self._kafka.users.with_name(APPLIED), self._digest()
        if applied.exists() and applied.read_text() == digest:
            return False
        try:
            async with Cluster(self._kafka.connection) as cluster:
                await cluster.store_users(self._passwords)
                await apply(cluster, self._declared, lambda _: self._passwords)
        except (KafkaError, OSError, TimeoutError) as error:
            raise CannotRun(
                f"Kafka took no users or rights ({type(error).__name__}): its log is {self._kafka.log}."
            ) from error
        write_privately(applied, digest)
        return True

    def _digest(self) -> str:
        parts = (self._kafka.identity(), self._declared.digest(), sorted(self._passwords.items()))
        return hashlib.sha256(repr(parts).encode()).hexdigest()
