"""The localities that a process serves, and the table that names them."""

from collections.abc import Callable, Sequence
from typing import Any, overload

from shared.contract.events.topics import SourcePart
from shared.delivery.mongo.database import Mongo
from shared.delivery.ownership.standing import TableOwner
from shared.platform.localities import Localities

Changed = Callable[[], None]


class ServedTable:
    """A table that does not change: that of a file, or of a test."""

    def __init__(self, slugs: Sequence[str]) -> None:
        self._slugs = tuple(slugs)

    @property
    def slugs(self) -> tuple[str, ...]:
        """The localities that the process serves now."""
        return self._slugs

    def owner(self, locality: str, part: SourcePart) -> TableOwner:
        """The owner of a part in a locality, by the table in force."""
        return TableOwner()

    @property
    def live(self) -> bool:
        """True if it follows everything that it should."""
        return True

    async def start(self, mongo: Mongo, changed: Changed) -> None:
        """Makes the table ready. `changed` is called each time that another table comes into force."""

    async def stop(self) -> None:
        """Follows no longer."""

    def detail(self) -> dict[str, Any]:
        """The table's version and origin, for /readyz."""
        return {"version": 0, "from": "file"}


class FileTable(ServedTable):
    """The table of a file, or one that was handed in: a change of it needs a restart."""

    def __init__(self, localities: Localities, served: str) -> None:
        """`served` is the setting: all, or slugs with commas. Raises NoSuchLocality."""
        super().__init__([locality.slug for locality in localities.served(served)])
        self.localities = localities

    def owner(self, locality: str, part: SourcePart) -> TableOwner:
        """The owner of a part in a locality, by the file."""
        return owner_in(self.localities, locality, part)


def owner_in(localities: Localities, locality: str, part: SourcePart) -> TableOwner:
    """The owner of a part in a locality; ours if the table does not know the locality."""
    there = localities.by_slug.get(locality)
    return TableOwner() if there is None else TableOwner(there.owner(part), there.epoch(part))


class ServedSlugs(Sequence[str]):
    """The slugs that a table serves, asked each time: a locality that is added is among them at once."""

    def __init__(self, table: ServedTable) -> None:
        self._table = table

    def __len__(self) -> int:
        return len(self._table.slugs)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self._table.slugs[index]
