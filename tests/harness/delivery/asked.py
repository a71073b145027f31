"""The commands that a database receives, as its driver tells them."""

from typing import Any

from pymongo.monitoring import CommandListener, CommandStartedEvent


class Commands(CommandListener):
    """The commands that the database received."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.asked.append(event.command)

    def succeeded(self, event: object) -> None:
        """Of no interest."""

    def failed(self, event: object) -> None:
        """Of no interest."""

    def of(self, name: str) -> list[Any]:
        return [command for command in self.asked if name in command]

    def transactions(self) -> list[list[str]]:
        """What each committed transaction asked, in order, such as "find referrals"."""
        found: dict[tuple[bytes, int], list[str]] = {}
        for command in self.asked:
            if command.get("autocommit") is False:
                name = next(iter(command))
                asked = found.setdefault((bytes(command["lsid"]["id"]), command["txnNumber"]), [])
                asked.append(name if name == "commitTransaction" else f"{name} {command[name]}")
        return [each for each in found.values() if "commitTransaction" in each]
