"""Back-ups of test databases, and what a disaster leaves of them."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage

from linkwork.backup.creating import Archive, create
from linkwork.backup.restoring import require_empty, restore
from shared.contract.events.topics import Part
from shared.delivery.mongo.database import Mongo
from shared.delivery.rebuild.generations import claim_database


@dataclass
class BackUps:
    """The databases of these services, a folder for archives, and the key that opens them."""

    mongo_url: str
    databases: Mapping[Part, str]
    folder: Path
    key: Any = field(default_factory=pyrage.x25519.Identity.generate)

    @property
    def public_key(self) -> str:
        return str(self.key.to_public())

    def identity_file(self, key: Any = None) -> Path:
        """A file as `age-keygen` makes it."""
        file = self.folder / f"{len(list(self.folder.iterdir()))}.txt"
        file.write_text(f"# created: today\n{key or self.key}\n")
        return file

    async def __aenter__(self) -> "BackUps":
        self._open = AsyncExitStack()
        self.stores = {service: Mongo(self.mongo_url, name) for service, name in self.databases.items()}
        for mongo in self.stores.values():
            self._open.push_async_callback(mongo.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def claim(self) -> None:
        """Each service has started once."""
        for service, mongo in self.stores.items():
            await claim_database(mongo, service)

    async def make(self) -> list[Archive]:
        first = next(iter(self.stores.values()))
        return await create(first, self.databases, self.folder, [self.key.to_public()])

    async def lose(self) -> None:
        """The disk fails."""
        for mongo in self.stores.values():
            await mongo.client.drop_database(mongo.database.name)

    async def restore(self, archives: list[Archive]) -> None:
        await require_empty(self.stores)
        files = [(each.file, each.manifest) for each in archives]
        await restore(self.stores, files, [self.key], by="ada", why="the disk failed")
