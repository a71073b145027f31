"""A hand-over as a fault of `make chaos`: booking of one locality goes to a partner and comes back."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from chaos.handover.partner import Booker, process_of
from chaos.handover.steps import OneWay, no_strike
from chaos.handover.table import write_table, write_users
from chaos.process import Process
from chaos.stack import Stack
from deploy.local.ports import free_port

OWNS_FOR = 3.0  # Seconds between the two ways.


def candidate_for(locality: str) -> Booker:
    """The partner that may own booking of this locality."""
    return Booker(locality, "booking-py", free_port(), "py")


class Files(TypedDict):
    """Files of a run, as a `Stack` takes them."""

    table: Path
    users: Path


def written(folder: Path, bookers: Sequence[Booker]) -> Files:
    """The table and the users of a run in which these partners may own booking."""
    table = write_table(folder, {each.locality: (each.name, each.port) for each in bookers})
    return {"table": table, "users": write_users(folder, [each.name for each in bookers])}


@dataclass
class Candidate:
    """The partner's process. It follows the locality throughout, and owns booking for seconds at a time."""

    stack: Stack
    booker: Booker
    process: Process

    @classmethod
    async def start(cls, stack: Stack, booker: Booker) -> "Candidate":
        """Starts the process. Raises CannotRun."""
        process = process_of(stack, booker)
        process.start()
        await process.answers()
        return cls(stack, booker, process)

    async def there_and_back(self) -> None:
        """Hands booking over and takes it back. Raises CannotRun if either way does not end in time."""
        await OneWay(self.stack, self.booker, "there").go(no_strike)
        await asyncio.sleep(OWNS_FOR)
        await OneWay(self.stack, self.booker, "back").go(no_strike)

    async def stop(self) -> None:
        """Stops the process for good."""
        await self.process.stop()
