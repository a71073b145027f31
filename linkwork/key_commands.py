"""The commands on keys: what each holds in all services' databases, and its rotation."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from linkwork.config import Config
from linkwork.databases import database_of
from linkwork.errors import CommandError
from linkwork.key_holdings import PURPOSES, SETTINGS, Held, Holding, Keys, Purpose, keys_here, outside_until
from linkwork.output import as_json as to_json
from linkwork.output import format_time, table
from services.referral.identity.vault.rotation import Rotated
from shared.contract.events.topics import Part
from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.mongo.keys_in_use import keys_in_use
from shared.delivery.mongo.operations import note
from shared.platform.clock import system_clock
from shared.platform.ids import new_id

_HEAD: Final = ("SERVICE", "KEY", "ID", "USE", "HOLDS", "LEFT")
_ROTATED_HEAD: Final = ("SERVICE", "KEY", "MOVED", "LOCKED", "TWICE", "BUSY")


@dataclass(frozen=True, slots=True)
class KeysStatus:
    """`linkwork keys status`."""

    as_json: bool = False

    async def run(self, config: Config) -> int:
        """Prints what each key holds; returns 1 if something is left under another key than the newest.

        Raises:
            CommandError: a key is wrong, or no database can be looked at.
        """
        unseen = Unseen([])
        async with _databases(config, unseen) as databases:
            found = await _found(_keys_of(config, databases, unseen))
        if self.as_json:
            print(to_json({"keys": [asdict(each) for each in found.holdings], "not_looked_at": unseen.said}))
        else:
            print(table(_HEAD, found.lines()))
            print("".join(f"\n{sentence}" for sentence in unseen.said), end="\n" if unseen.said else "")
        return 1 if any(each.is_left for each in found.holdings) else 0


@dataclass(frozen=True, slots=True)
class KeysRotate:
    """`linkwork keys rotate`."""

    why: str
    limit: int
    as_json: bool = False

    async def run(self, config: Config) -> int:
        """Moves what earlier keys hold to the newest; returns 1 if something is left.

        Raises:
            CommandError: a key is wrong, or is not what the service was started with.
        """
        unseen, lines = Unseen([]), []
        async with _databases(config, unseen) as databases:
            all_keys = _keys_of(config, databases, unseen)
            for each in all_keys:  # All are compared before any is moved.
                await _require_same(each)
            for each in all_keys:
                rotated = await each.keys.rotate(self.limit)
                lines.append((each.service, each.purpose, rotated))
                if rotated.done:
                    await self._note(config, each, rotated)
            found = await _found(all_keys)
        if self.as_json:
            moved = [{"service": s, "purpose": p, **asdict(r)} for s, p, r in lines]
            print(to_json({"rotated": moved, "not_looked_at": unseen.said}))
        else:
            rows = [(s, p, *map(str, asdict(r).values())) for s, p, r in lines]
            print(table(_ROTATED_HEAD, rows))
            print("".join(f"\n{sentence}" for sentence in unseen.said), end="\n" if unseen.said else "")
        return 1 if any(each.is_left and not each.outside_until for each in found.holdings) else 0

    async def _note(self, config: Config, of: "KeysOf", rotated: Rotated) -> None:
        about = {"purpose": of.purpose, "newest": of.keys.ids[0], **asdict(rotated)}

        async def work(tx: Transaction) -> None:
            now = system_clock()
            await note(tx, new_id, now, what="keys rotated", by=config.operator, why=self.why, about=about)

        await of.mongo.transact(work)


@dataclass(frozen=True, slots=True)
class KeysOf:
    """The keys of one purpose in one service's database."""

    service: Part
    purpose: Purpose
    keys: Keys
    mongo: Mongo


@dataclass(frozen=True, slots=True)
class Unseen:
    """Sentences on what was not looked at, each once."""

    said: list[str]

    def add(self, sentence: str) -> None:
        """Adds a sentence."""
        if sentence not in self.said:
            self.said.append(sentence)


@dataclass(frozen=True, slots=True)
class Found:
    """The contents of all keys."""

    holdings: list[Holding]

    async def look(self, of: KeysOf, now: datetime) -> None:
        """Adds what the keys of one purpose hold in one database."""
        used = await keys_in_use(of.mongo, of.purpose)
        held: dict[str, list[Held]] = {key: [] for key in of.keys.ids}
        for each in await of.keys.held():
            if each.count:
                held.setdefault(each.key, []).append(each)
        for key, some in held.items():
            until = outside_until(used, key)
            until = until if until is not None and until > now else None
            for each in some or [Held(key, "", 0, is_left=False)]:
                left = each.is_left or until is not None
                self.holdings.append(
                    Holding(of.service, of.purpose, key, each.count, each.things, left, until)
                )

    def lines(self) -> list[tuple[str, ...]]:
        """The rows of the table."""
        newest: dict[tuple[str, str], str] = {}
        lines: list[tuple[str, ...]] = []
        for each in self.holdings:
            first = newest.setdefault((each.service, each.purpose), each.key)
            use = "writes" if each.key == first else "reads" if each.key else "-"
            holds = f"{each.count} {each.things}" if each.count else "nothing"
            if each.outside_until is not None:
                holds += f", and links or cookies until {format_time(each.outside_until)}"
            name = each.key or "(none of these)"
            lines.append((each.service, each.purpose, name, use, holds, "yes" if each.is_left else "no"))
        return lines


def _keys_of(config: Config, databases: Mapping[Part, Mongo], unseen: Unseen) -> list[KeysOf]:
    found = []
    for service, mongo in databases.items():
        for purpose in PURPOSES[service]:
            keys = keys_here(config, service, purpose, mongo)
            if keys is None:
                unseen.add(f"{SETTINGS[purpose]} is not set here, so its keys in {service} are left out.")
            else:
                found.append(KeysOf(service, purpose, keys, mongo))
    return found


async def _found(all_keys: Sequence[KeysOf]) -> Found:
    found = Found([])
    for each in all_keys:
        await found.look(each, system_clock())
    return found


@asynccontextmanager
async def _databases(config: Config, unseen: Unseen) -> AsyncIterator[dict[Part, Mongo]]:
    """The services' databases that can be looked at. Raises CommandError if there is none."""
    refused: list[CommandError] = []
    async with AsyncExitStack() as stack:
        opened: dict[Part, Mongo] = {}
        for service in PURPOSES:
            try:
                opened[service] = await stack.enter_async_context(database_of(config, service))
            except CommandError as reason:
                refused.append(reason)
                unseen.add(str(reason))
        if not opened:
            raise refused[0]
        yield opened


async def _require_same(of: KeysOf) -> None:
    """Refuses to move anything to a key that the service may not know."""
    used = await keys_in_use(of.mongo, of.purpose)
    if used is None or used.ids != of.keys.ids:
        raise CommandError(
            f"The keys of {SETTINGS[of.purpose]} here are not those that {of.service} was last started with: "
            "give its processes this list first, and start them."
        )
