"""`linkwork dead-letters list|show|replay|discard`."""

import argparse
import asyncio
import base64
import sys
import time
from collections.abc import Sequence
from typing import Any

import orjson

from linkwork.arguments import reason
from linkwork.databases import database_of
from linkwork.letter_states import Standing, desk, newest
from linkwork.letters import REASONS, FoundLetter, read_letters
from linkwork.moments import moment_argument, shown
from linkwork.problem import CommandError
from linkwork.surroundings import Config
from linkwork.table import table
from shared.contract.events.topics import PARTS, Part
from shared.delivery.dlq.dead_letters import DeadLetters
from shared.platform.localities import LocalitiesError, load_localities

_HEAD = ("LETTER", "SERVICE", "REASON", "ERROR", "LOCALITY", "TIME", "STATE", "LAST REPLAY")
_WARNING = (
    "This is the record as it came. It may hold somebody's identity: copy nothing of it into a ticket or a "
    "message. That you have read it is written down."
)
_MOMENT = "2026-11-23T09:00 or 2026-11-23, in London unless it names a zone (as 09:00Z does); or 2h, 7d ago"
_EXAMPLES = """\
examples:
  linkwork dead-letters list --since 2d --state new
  linkwork dead-letters replay --service matching --reason handler_failed --yes --why "mended in 1.4.2"

exit codes: 0 done; 1 not all of it: a letter was not taken (yet) or discarded, or a place has none;
2 refused or given up, with a sentence; 130 stopped by Ctrl-C"""
_POLL_SECONDS = 0.3
_WELL = ("taken", "repeat")
_UNDECIDED = ("new", "waiting")
_FILTERS = ("letters", "service", "reason", "locality", "state", "since", "until")
_NONE_LIKE_THAT = "No dead letter is like that."


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the console's."""
    letters = commands.add_parser(
        "dead-letters",
        help="records that could not be handled",
        description="Records that a service could not handle and set aside, sealed.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = letters.add_subparsers(dest="verb", required=True)
    listed = verbs.add_parser("list", help="what was set aside, where, when and why")
    shown_ = verbs.add_parser("show", help="open one letter; needs the dead-letter key")
    replayed = verbs.add_parser("replay", help="have the service that failed take them again")
    discarded = verbs.add_parser("discard", help="mark them as not to be handled")
    for verb in (listed, shown_, replayed, discarded):
        _add_filters(verb)
    for verb in (shown_, replayed, discarded):
        verb.add_argument(
            "--why", type=reason, required=True, help="the reason, for the auditor; nothing of a person"
        )
    for verb in (replayed, discarded):
        verb.add_argument("--yes", action="store_true", help="do it with more than one")
    replayed.add_argument(
        "--wait",
        type=float,
        default=15.0,
        metavar="SECONDS",
        help="how long to wait for the service to have taken them (15); it takes them later all the same",
    )


def _add_filters(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("letters", nargs="*", metavar="LETTER", help="topic/partition/offset, as listed")
    verb.add_argument("--service", choices=PARTS, help="the service that set it aside")
    verb.add_argument("--reason", help="its code, such as handler_failed")
    verb.add_argument("--locality", help="of the topic that it came by")
    verb.add_argument("--state", choices=("new", "waiting", "replayed", "discarded"))
    verb.add_argument("--since", type=moment_argument(), help=f"set aside at this time or later: {_MOMENT}")
    verb.add_argument("--until", type=moment_argument(), help="set aside before this time")
    verb.add_argument("--json", action="store_true")


async def run(around: Config, arguments: argparse.Namespace) -> int:
    """Does what was asked; the exit code."""
    found = await select(around, arguments)
    unknown = [
        place for place in dict.fromkeys(arguments.letters) if all(one.letter.place != place for one in found)
    ]
    for place in unknown:
        print(f"No dead letter of {place} is like that.", file=sys.stderr)
    if unknown and not found:
        if arguments.verb == "list" and arguments.json:
            print(_listed(found, as_json=True))
        return 1
    code = await _do(around, arguments, found)
    return 1 if unknown else code


async def _do(around: Config, arguments: argparse.Namespace, found: list[Standing]) -> int:
    if arguments.verb == "list":
        asked = any(getattr(arguments, name) for name in _FILTERS)
        print(_listed(found, as_json=arguments.json, none=_NONE_LIKE_THAT if asked else "No dead letters."))
        return 0
    if arguments.verb != "show" and not arguments.letters and not arguments.state:
        found = [one for one in found if one.state in _UNDECIDED]  # what somebody put away stays away
    if not found:
        raise CommandError(_NONE_LIKE_THAT)
    if arguments.verb == "show":
        return await _show(around, found, arguments)
    if len(found) > 1 and not arguments.yes:
        raise CommandError(f"{len(found)} letters are like that: list them first, then say --yes.")
    ends = await (_replay if arguments.verb == "replay" else _discard)(around, found, arguments)
    print(_listed(ends, as_json=arguments.json))
    if arguments.verb == "replay":
        return 0 if all(end.state == "replayed" and end.result in _WELL for end in ends) else 1
    return 0 if all(end.state == "discarded" for end in ends) else 1


async def select(around: Config, arguments: argparse.Namespace) -> list[Standing]:
    """The letters that the filters name, each with its state, the oldest first.

    Raises:
        CannotDo: a store does not answer or refuses us, the environment names the database of one service
            only, or of another one, or there is no such locality or reason.
    """
    services: tuple[Part, ...] = (arguments.service,) if arguments.service else PARTS
    if around.own_database and len(services) > 1:
        raise CommandError("LINKWORK_DATABASE names one service's database: say which with --service.")
    if around.own_database:
        async with database_of(around, services[0]):
            pass  # what is asked of another's would be answered with "none"
    whole = newest(await read_letters(around.kafka_bootstrap, services, arguments.since))
    _check_names(around, arguments, whole)
    letters = [letter for letter in whole if _wanted(letter, arguments)]
    found: list[Standing] = []
    for service in services:
        ours = [letter for letter in letters if letter.service == service]
        if ours:
            async with desk(around, service) as here:
                found += await here.standings(ours)
    found = [one for one in found if arguments.state in (None, one.state)]
    return sorted(found, key=lambda one: one.letter.time)


def _check_names(around: Config, arguments: argparse.Namespace, letters: Sequence[FoundLetter]) -> None:
    """What a letter has is a name, also where no list has it any more."""
    reason_, locality = arguments.reason, arguments.locality
    if reason_ is not None and reason_ not in {*REASONS, *(letter.reason for letter in letters)}:
        raise CommandError(f"There is no reason {reason_}. There are: {', '.join(REASONS)}.")
    if locality is None or locality in {letter.locality for letter in letters}:
        return
    try:
        slugs = load_localities(around.localities_file).slugs
    except (LocalitiesError, OSError) as error:
        raise CommandError(f"The localities cannot be read: {error}") from error
    if locality not in slugs:
        raise CommandError(f"There is no locality {locality}. There are: {', '.join(slugs)}.")


def _wanted(letter: FoundLetter, arguments: argparse.Namespace) -> bool:
    return (
        (not arguments.letters or letter.place in arguments.letters)
        and arguments.reason in (None, letter.reason)
        and arguments.locality in (None, letter.locality)
        and (arguments.until is None or letter.time < arguments.until)
    )


def described(one: Standing) -> dict[str, Any]:
    """What may be told of a letter without opening it."""
    letter = one.letter
    return {
        "letter": letter.place,
        "id": letter.id,
        "service": letter.service,
        "reason": letter.reason,
        "error": letter.error,
        "locality": letter.locality,
        "time": letter.time,
        "state": one.state,
        "last_replay": one.result,
    }


def _listed(found: Sequence[Standing], *, as_json: bool, none: str = "") -> str:
    if as_json:
        return orjson.dumps([described(one) for one in found], option=orjson.OPT_INDENT_2).decode()
    if not found:
        return none
    rows = []
    for one in found:
        letter = one.letter
        cells = (letter.place, letter.service, letter.reason, letter.error, letter.locality)
        rows.append((*cells, shown(letter.time), one.state, one.result))
    return table(_HEAD, rows)


async def _show(around: Config, found: Sequence[Standing], arguments: argparse.Namespace) -> int:
    if len(found) > 1:
        raise CommandError(f"{len(found)} letters are like that: name one, and its --service.")
    letter = found[0].letter
    key = around.dead_letter_key()
    async with desk(around, letter.service) as here:
        await here.opened(letter, arguments.why)  # first: who cannot be written down reads nothing
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
    if arguments.json:
        whole = described(found[0]) | {"record": record}
        print(orjson.dumps(whole, option=orjson.OPT_INDENT_2).decode())
        return 0
    print(_listed(found, as_json=False))
    whole_kept = opened.headers is not None
    print(f"\nkey      {_or_null(record['key']) if whole_kept else 'not kept'}")
    for name, value in record["headers"] or ():
        print(f"header   {name}: {_or_null(value)}")
    print(f"sha256   {opened.sha256}")
    print(f"value    {_or_null(record['value']) if whole_kept else 'only its hash was kept'}")
    return 0


def _or_null(readable: str | None) -> str:
    """A text such as `None` is somebody's own."""
    return "no value (null)" if readable is None else readable


def _readable(value: bytes | None) -> str | None:
    """Text as it is, and whatever a terminal would stumble over in base64."""
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


async def _replay(around: Config, found: Sequence[Standing], arguments: argparse.Namespace) -> list[Standing]:
    for one in found:
        async with desk(around, one.letter.service) as here:
            await here.replay(one.letter, arguments.why)
    end = time.monotonic() + arguments.wait
    while True:
        now = await _again(around, found)
        if time.monotonic() > end or all(one.state != "waiting" for one in now):
            return now
        await asyncio.sleep(_POLL_SECONDS)


async def _discard(
    around: Config, found: Sequence[Standing], arguments: argparse.Namespace
) -> list[Standing]:
    for one in found:
        async with desk(around, one.letter.service) as here:
            taken = await here.discard(one.letter, arguments.why)
        if taken is not None:
            said = f"{one.letter.place} was taken already, on {shown(taken)}: nothing to discard."
            print(said, file=sys.stderr)
    return await _again(around, found)


async def _again(around: Config, found: Sequence[Standing]) -> list[Standing]:
    """How the same letters stand now."""
    now: list[Standing] = []
    for service in dict.fromkeys(one.letter.service for one in found):
        async with desk(around, service) as here:
            now += await here.standings([one.letter for one in found if one.letter.service == service])
    return now
