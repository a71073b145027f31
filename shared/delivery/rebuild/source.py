"""What is folded, from where, into what: said in words, so that other processes can be told."""

import importlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from shared.delivery.model.service_definition import ServiceDefinition
from shared.delivery.mongo.database import Mongo
from shared.delivery.rebuild.generations import names_of
from shared.delivery.unit_of_work.unit_of_work import REFERRALS

Place = tuple[str, int, int]
"""Where a record lies: topic, partition, offset."""


@dataclass(frozen=True)
class Rebuildable:
    """A part, and what makes the indexes that its questions need."""

    part: ServiceDefinition[Any, Any]
    ensure_indexes: Callable[[Mongo], Awaitable[None]]

    @property
    def derived(self) -> tuple[str, ...]:
        """The collections that a generation consists of."""
        return (REFERRALS, *self.part.derived)


@dataclass(frozen=True)
class Source:
    """A service's stores and its part. `made_by` names the function (`module:function`) that makes the
    part from a localities file. `repr` tells no address: it may hold a password."""

    made_by: str
    localities_file: Path
    kafka_bootstrap: str
    mongo_url: str
    database: str

    def __repr__(self) -> str:
        return f"Source({self.made_by!r})"

    def rebuildable(self) -> Rebuildable:
        module, _, function = self.made_by.partition(":")
        make = getattr(importlib.import_module(module), function)
        return cast("Rebuildable", make(self.localities_file))

    def mongo(self, part: Rebuildable, number: int) -> Mongo:
        """A connection under which the derived collections are those of this generation."""
        mongo = Mongo(self.mongo_url, self.database, name="linkwork rebuild")
        mongo.names = names_of(part.derived, number)
        return mongo
