"""One way of a hand-over by the operator's command, with a strike at each of its steps."""

import re
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from chaos.handover.command import Command
from chaos.handover.partner import Booker
from chaos.handover.plan import Way
from chaos.stack import Stack

WITHIN = 180.0
FORCED_WITHIN = 120.0  # What `back --forced` promises.
WHY = ("--why", "a rehearsal with deaths")
_STEP = re.compile(r"^([a-z_]+): ")
AtStep = Callable[[str, Command], Awaitable[None]]


@dataclass
class OneWay:
    """The way there or back of one locality's booking. `steps` are those that the command named, in order."""

    stack: Stack
    booker: Booker
    way: Way
    forced: bool = False
    steps: list[str] = field(default_factory=list)

    async def go(self, at_step: AtStep) -> float:
        """Runs the command to its end. Calls `at_step` once for each step. Returns the seconds."""
        log = self.stack.folder / "logs" / "hand-over.log"
        command = Command(self._arguments(), self.stack.operator(), self.stack.reaper, log)

        async def at(step: str) -> None:
            if step not in self.steps:
                self.steps.append(step)
                await at_step(step, command)

        return await command.succeed(FORCED_WITHIN if self.forced else WITHIN, at, read_step)

    def _arguments(self) -> list[str]:
        where = [self.booker.locality, "booking"]
        if self.way == "there":
            return ["hand-over", "run", *where, "--to", self.booker.name, *WHY]
        return ["hand-over", "back", *where, *WHY, *(["--forced"] if self.forced else [])]


def read_step(line: str) -> str | None:
    """The step that a printed line says is done, or waits."""
    found = _STEP.match(line)
    return found[1] if found else None


async def no_strike(_: str, __: Command) -> None:
    """Lets the step be."""


def pause(command: Command) -> None:
    """Stops the command where it is."""
    command.signal(signal.SIGSTOP)


def go_on(command: Command) -> None:
    """Lets a stopped command go on."""
    command.signal(signal.SIGCONT)
