"""The commands on dead letters: list, show, replay, discard."""

import asyncio
import base64
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from linkwork.config import Config
from linkwork.databases import database_of
from linkwork.dead_letter_decisions import LetterStatus, State, decisions_of, newest
from linkwork.dead_letter_log import REASONS, FoundLetter, read_letters
from linkwork.errors import CommandError
from linkwork.output import as_json, format_time, table
from linkwork.tables import table_in_force
from shared.contract.events.topics import PARTS, Part
from shared.delivery.dlq.dead_letters import DeadLetters

_HEAD: Final = ("LETTER", "SERVICE", "REASON", "ERROR", "LOCALITY", "TIME", "STATE", "LAST REPLAY")
_WARNING: Final = (
    "This is the record as it came. It may hold somebody's identity: copy nothing of it into a ticket or a "
    "message. That you have read it is written down."
)
_POLL_SECONDS: Final = 0.3
_SUCCESSFUL: Final = ("handled", "duplicate")
_UNDECIDED: Final = ("new", "waiting")
_NONE_LIKE_THAT: Final = "No dead letter is like that."


@dataclass(frozen=True)
class Filters:
    """The letters that an operator means. Filters that are not given match every letter."""

    letters: tuple[str, ...] = ()
    service: Part | None = None
    reason: str | None = None
    locality: str | None = None
    state: State | None = None
    since: datetime | None = None
    until: datetime | None = None

    def match(self, letter: FoundLetter) -> bool:
        """Tells that the place, reason, locality and end of time match the letter."""
        return (
            (not self.letters or letter.place in self.letters)
            and self.reason in (None, letter.reason)
            and self.locality in (None, letter.locality)
            and (self.until is None or letter.time < self.until)
        )


@dataclass(frozen=True)
class DeadLettersCommand:
    """One command on dead letters. `wait` is in seconds."""

    verb: Literal["list", "show", "replay", "discard"]
    filters: Filters
    why: str = ""
    yes: bool = False
    wait: float = 15.0
    as_json: bool = False

    async def run(self, config: Config) -> int:
        """Runs the command and returns its exit code."""
        found = await select(config, self.filters)
        places = {status.letter.place for status in found}
        unknown = [place for place in dict.fromkeys(self.filters.letters) if place not in places]
        for place in unknown:
            print(f"No dead letter of {place} is like that.", file=sys.stderr)
        if unknown and not found:
            if self.verb == "list" and self.as_json:
                print(_listed(found, json=True))
            return 1
        code = await _run(config, self, found)
        return 1 if unknown else code


async def _run(config: Config, command: DeadLettersCommand, found: list[LetterStatus]) -> int:
    if command.verb == "list":
        none = "No dead letters." if command.filters == Filters() else _NONE_LIKE_THAT
        print(_listed(found, json=command.as_json, none=none))
        return 0
    # Letters that were decided on stay as they are, unless the operator names them or their state.
    if command.verb != "show" and not command.filters.letters and not command.filters.state:
        found = [status for status in found if status.state in _UNDECIDED]
    if not found:
        raise CommandError(_NONE_LIKE_THAT)
    if command.verb == "show":
        return await _show(config, found, command)
    if len(found) > 1 and not command.yes:
        raise CommandError(f"{len(found)} letters are like that: list them first, then say --yes.")
    ends = await (_replay if command.verb == "replay" else _discard)(config, found, command)
    print(_listed(ends, json=command.as_json))
    if command.verb == "replay":
        return 0 if all(end.state == "replayed" and end.result in _SUCCESSFUL for end in ends) else 1
    return 0 if all(end.state == "discarded" for end in ends) else 1


async def select(config: Config, filters: Filters) -> list[LetterStatus]:
    """The letters that match the filters, each with its state, the oldest first.

    Raises:
        CommandError: a store does not answer or refuses us, the environment names the database of one
            service only, or of another one, or there is no such locality or reason.
    """
    services: tuple[Part, ...] = (filters.service,) if filters.service else PARTS
    if config.own_database and len(services) > 1:
        raise CommandError("LINKWORK_DATABASE names one service's database: say which with --service.")
    if config.own_database:
        async with database_of(config, services[0]):
            pass  # Letters of another service's database would all be listed as new.
    whole = newest(await read_letters(config.kafka, services, filters.since))
    await _check_names(config, filters, whole)
    letters = [letter for letter in whole if filters.match(letter)]
    found: list[LetterStatus] = []
    for service in services:
        ours = [letter for letter in letters if letter.service == service]
        if ours:
            async with decisions_of(config, service) as decisions:
                found += await decisions.statuses(ours)
    found = [status for status in found if filters.state in (None, status.state)]
    return sorted(found, key=lambda status: status.letter.time)


async def _check_names(config: Config, filters: Filters, letters: Sequence[FoundLetter]) -> None:
    """Refuses a reason or locality that neither a list nor a letter has."""
    reason, locality = filters.reason, filters.locality
    if reason is not None and reason not in {*REASONS, *(letter.reason for letter in letters)}:
        raise CommandError(f"There is no reason {reason}. There are: {', '.join(REASONS)}.")
    if locality is None or locality in {letter.locality for letter in letters}:
        return
    slugs = (await table_in_force(config)).slugs
    if locality not in slugs:
        raise CommandError(f"There is no locality {locality}. There are: {', '.join(slugs)}.")


def described(status: LetterStatus) -> dict[str, Any]:
    """The description of a letter that is still sealed."""
    letter = status.letter
    return {
        "letter": letter.place,
        "id": letter.id,
        "service": letter.service,
        "reason": letter.reason,
        "error": letter.error,
        "locality": letter.locality,
        "time": letter.time,
        "state": status.state,
        "last_replay": status.result,
    }


def _listed(found: Sequence[LetterStatus], *, json: bool, none: str = "") -> str:
    if json:
        return as_json([described(status) for status in found])
    if not found:
        return none
    rows = []
    for status in found:
        letter = status.letter
        cells = (letter.place, letter.service, letter.reason, letter.error, letter.locality)
        rows.append((*cells, format_time(letter.time), status.state, status.result))
    return table(_HEAD, rows)


async def _show(config: Config, found: Sequence[LetterStatus], command: DeadLettersCommand) -> int:
    if len(found) > 1:
        raise CommandError(f"{len(found)} letters are like that: name one, and its --service.")
    letter = found[0].letter
    key = config.dead_letter_key()
    async with decisions_of(config, letter.service) as decisions:
        await decisions.record_opening(letter, command.why)  # Before the letter is opened.
    try:
        opened = DeadLetters(letter.service, key).open(letter.message)
    except ValueError:
        raise CommandError("The letter was sealed with another key, or altered.") from None
    record: dict[str, Any] = {
        "key": _readable(opened.key),
        "headers": None if opened.headers is None else [[_plain(n), _readable(v)] for n, v in opened.headers],
        "value": _readable(opened.value),
        "sha256": opened.sha256,
    }
    print(_WARNING, file=sys.stderr)
    if command.as_json:
        print(as_json(described(found[0]) | {"record": record}))
        return 0
    print(_listed(found, json=False))
    whole_kept = opened.headers is not None
    print(f"\nkey      {_or_null(record['key']) if whole_kept else 'not kept'}")
    for name, value in record["headers"] or ():
        print(f"header   {name}: {_or_null(value)}")
    print(f"sha256   {opened.sha256}")
    print(f"value    {_or_null(record['value']) if whole_kept else 'only its hash was kept'}")
    return 0


def _or_null(readable: str | None) -> str:
    """The text, or words that no value can be mistaken for."""
    return "no value (null)" if readable is None else readable


def _readable(value: bytes | None) -> str | None:
    """Printable text as it is; anything else in base64, which no terminal interprets."""
    if value is None:
        return None
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = ""
    return (
        text if text.isprintable() and (text or not value) else f"base64:{base64.b64encode(value).decode()}"
    )


def _plain(name: str) -> str:
    return name if name.isprintable() else ascii(name)


async def _replay(
    config: Config, found: Sequence[LetterStatus], command: DeadLettersCommand
) -> list[LetterStatus]:
    for status in found:
        async with decisions_of(config, status.letter.service) as decisions:
            await decisions.replay(status.letter, command.why)
    end = time.monotonic() + command.wait
    while True:
        now = await _statuses(config, found)
        if time.monotonic() > end or all(status.state != "waiting" for status in now):
            return now
        await asyncio.sleep(_POLL_SECONDS)


async def _discard(
    config: Config, found: Sequence[LetterStatus], command: DeadLettersCommand
) -> list[LetterStatus]:
    for status in found:
        async with decisions_of(config, status.letter.service) as decisions:
            taken = await decisions.discard(status.letter, command.why)
        if taken is not None:
            said = f"{status.letter.place} was taken already, on {format_time(taken)}: nothing to discard."
            print(said, file=sys.stderr)
    return await _statuses(config, found)


async def _statuses(config: Config, found: Sequence[LetterStatus]) -> list[LetterStatus]:
    """The same letters with their states of now."""
    now: list[LetterStatus] = []
    for service in dict.fromkeys(status.letter.service for status in found):
        async with decisions_of(config, service) as decisions:
            now += await decisions.statuses(
                [status.letter for status in found if status.letter.service == service]
            )
    return now
