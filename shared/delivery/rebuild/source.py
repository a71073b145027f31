"""The input and output of a rebuild, in values that can be sent to other processes."""

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from shared.delivery.model.service_definition import ServiceDefinition
from shared.delivery.mongo.database import Mongo
from shared.delivery.rebuild.generations import names_of
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.kafka_connection import KafkaConnection

RecordPosition = tuple[str, int, int]  # Topic, partition, offset.


@dataclass(frozen=True)
class Rebuildable:
    """A service's definition, and the function that creates the indexes of its queries."""

    part: ServiceDefinition[Any, Any]
    ensure_indexes: Callable[[Mongo], Awaitable[None]]

    @property
    def derived(self) -> tuple[str, ...]:
        """The collections that a generation consists of."""
        return (REFERRALS, *self.part.derived)


@dataclass(frozen=True)
class Source:
    """A service's stores and its definition. `repr` shows no address, which may hold a password.

    Attributes:
        made_by: `module:function` that makes the definition from a localities file.
    """

    made_by: str
    localities_file: Path
    kafka: KafkaConnection
    mongo_url: str
    database: str

    def __repr__(self) -> str:
        return f"Source({self.made_by!r})"

    def rebuildable(self) -> Rebuildable:
        """Imports the service's definition."""
        module, _, function = self.made_by.partition(":")
        make = getattr(importlib.import_module(module), function)
        return cast("Rebuildable", make(self.localities_file))

    def mongo(self, part: Rebuildable, number: int) -> Mongo:
        """Connects to the database; its derived collections are those of this generation."""
        mongo = Mongo(self.mongo_url, self.database, name="linkwork rebuild")
        mongo.names = names_of(part.derived, number)
        return mongo
