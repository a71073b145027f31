"""`linkwork rebuild SERVICE [--back]`."""

import argparse
import asyncio
import contextlib
import re
import sys
from collections.abc import Coroutine
from typing import Any, Final

import orjson
from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from linkwork.arguments import reason
from linkwork.parts import maker
from linkwork.problem import CommandError
from linkwork.surroundings import Config
from linkwork.table import table
from shared.contract.events.topics import PARTS, Part
from shared.delivery.model.errors import Transient
from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.mongo.operations import note
from shared.delivery.rebuild.report import Refused, Report
from shared.delivery.rebuild.run import Rebuild
from shared.delivery.rebuild.source import Source
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from shared.platform.localities import load_localities

_EXAMPLES: Final = 10
_NOTE_SECONDS: Final = 5.0


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command to the console's."""
    one = commands.add_parser(
        "rebuild",
        help="fold the log anew, beside what is live, and switch when level",
        description="Reads the log from its start into a second generation of what a service has folded, "
        "decides and sends nothing, compares the two, and puts the new one in the place of the old, which is "
        "kept. The service goes on meanwhile, but for a pause of a second or two.",
    )
    one.add_argument("service", choices=PARTS)
    one.add_argument(
        "--back", action="store_true", help="bring the generation before level, and switch to it"
    )
    one.add_argument(
        "--accept",
        action="store_true",
        help="switch also where the new one tells something else than the live",
    )
    one.add_argument(
        "--processes",
        type=_processes,
        default=2,
        metavar="NUMBER",
        help="how many fold side by side (2); 0: none but this one, which takes longer",
    )
    one.add_argument("--why", type=reason, required=True, help="the reason, for the auditor")
    one.add_argument("--json", action="store_true")


def _processes(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text):
        raise argparse.ArgumentTypeError("write how many processes are to fold, from 0 to 999")
    return int(text)


async def run(around: Config, arguments: argparse.Namespace) -> int:
    """Does it; 0 where it has switched, 1 where it did not and all is as it was."""
    service: Part = arguments.service
    localities = load_localities(around.localities_file)
    database = around.database(service)
    source = Source(
        maker(service), around.localities_file, around.kafka_bootstrap, around.mongo_url, database
    )
    rebuild = Rebuild(
        source,
        localities.slugs,
        say=lambda line: print(line, file=sys.stderr, flush=True),
        processes=arguments.processes,
        accept=arguments.accept,
    )
    what = "rebuild back" if arguments.back else "rebuild"
    try:
        await _note(around, database, f"{what} begun", arguments.why, {})
        try:
            report = await (rebuild.back() if arguments.back else rebuild.anew())
        except Refused as refused:
            await _note(around, database, f"{what} given up", arguments.why, {"reason": str(refused)})
            if refused.report is None:
                raise CommandError(f"Nothing was changed. {refused}") from None
            print(_json(refused.report) if arguments.json else _plain(refused.report))
            return 1
        except (asyncio.CancelledError, Exception) as error:
            cause = "stopped" if isinstance(error, asyncio.CancelledError) else type(error).__name__
            await _note_in_time(_note_end(around, rebuild, what, arguments.why, cause))
            raise
        await _note(around, database, f"{what} done", arguments.why, {"generation": report.number})
    except (KafkaError, PyMongoError, Transient, OSError) as error:
        raise CommandError(
            f"A store does not answer ({type(error).__name__}). Nothing was changed, unless it had switched "
            "already: what was done is written down in the database, under operations."
        ) from error
    print(_json(report) if arguments.json else _plain(report))
    return 0


async def _note_end(around: Config, rebuild: Rebuild, what: str, why: str, cause: str) -> None:
    """What came of one that did not come to its end: it may have switched before."""
    database = rebuild.source.database
    if rebuild.report is not None and await rebuild.has_switched():
        await _note(around, database, f"{what} done", why, {"generation": rebuild.report.number})
    else:
        await _note(around, database, f"{what} given up", why, {"reason": cause})


async def _note_in_time(noting: Coroutine[Any, Any, None]) -> None:
    """Where the database is away there is no note: whoever pressed Ctrl-C does not wait for it."""
    with contextlib.suppress(PyMongoError, Transient, TimeoutError):
        async with asyncio.timeout(_NOTE_SECONDS):
            await asyncio.shield(noting)


async def _note(around: Config, database: str, what: str, why: str, about: dict[str, str | int]) -> None:
    mongo = Mongo(around.mongo_url, database, name="linkwork console")

    async def work(tx: Transaction) -> None:
        await note(tx, new_id, system_clock(), what=what, by=around.operator, why=why, about=dict(about))

    try:
        await mongo.transact(work)
    finally:
        await mongo.close()


def _json(report: Report) -> str:
    return orjson.dumps(report.document(), option=orjson.OPT_INDENT_2).decode()


def _plain(report: Report) -> str:
    compared, figures = report.compared, report.figures
    rows = [
        ("facts", str(compared.facts), f"{compared.missing} missing from the new one"),
        ("", "", f"{compared.extra} in the new one only"),
        ("views of the same facts", str(compared.referrals), str(compared.views)),
        ("other rows", str(figures.rows), str(len(figures.unlike))),
    ]
    unlike = [*sorted(compared.unlike)[:_EXAMPLES], *figures.unlike[:_EXAMPLES]]
    ends = (
        f"Generation {report.number} is live; generation {report.live} is kept."
        if report.switched
        else f"Nothing was changed. {report.refused}"
    )
    named = ["", "Unlike, among others:", *unlike] if unlike else []
    return "\n".join([table(("COMPARED", "ROWS", "DIFFERENCES"), rows), *named, "", ends])
