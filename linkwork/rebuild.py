"""`linkwork rebuild SERVICE [--back]`."""

import asyncio
import contextlib
import sys
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

import typer
from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from linkwork.arguments import AsJson, processes, reason
from linkwork.config import Config
from linkwork.databases import database_of
from linkwork.errors import CommandError
from linkwork.output import as_json as to_json
from linkwork.output import table
from linkwork.service_definitions import maker
from linkwork.tables import table_file
from shared.contract.asyncapi.roles import parts_of_service
from shared.contract.events.topics import Part
from shared.delivery.model.errors import Transient
from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.mongo.operations import note
from shared.delivery.rebuild.report import Refused, Report
from shared.delivery.rebuild.run import Rebuild
from shared.delivery.rebuild.source import Source
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from shared.platform.localities import Localities
from shared.platform.localities.versions import load_table

HELP: Final = """Fold the log again, beside the live state, and switch when both are level.

Reads the log from its start into a second generation of a service's folded state. It decides and sends
nothing, compares the two generations, and puts the new one in the place of the old, which is kept. The
service goes on meanwhile, but for a pause of a second or two."""
EPILOG: Final = """\b
--json prints an object: live, before, made (numbers of generations), switched, refused, log, compared,
figures, seconds, pause.

exit codes: 0 switched; 1 not switched, all is as it was; 2 refused, with a sentence; 130 stopped by Ctrl-C"""
_EXAMPLES: Final = 10
_NOTE_SECONDS: Final = 5.0


@dataclass(frozen=True)
class RebuildCommand:
    """One rebuild, or the way back from one."""

    service: Part
    why: str
    back: bool = False
    accept: bool = False
    processes: int = 2
    as_json: bool = False

    async def run(self, config: Config) -> int:
        """Runs the rebuild.

        Returns:
            0 if the service was switched, 1 if it was not and all is as it was.
        """
        async with database_of(config, self.service):
            pass  # The database is this service's own, and accepts our user.
        async with table_file(config) as file:
            return await _run(replace(config, localities_file=file), self)


def rebuild(
    service: Annotated[Part, typer.Argument(help="The service whose state is folded again.")],
    why: Annotated[str, typer.Option(parser=reason, metavar="REASON", help="Your reason, for the auditor.")],
    back: Annotated[
        bool, typer.Option("--back", help="Bring the generation before level, and switch to it.")
    ] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Switch although the new generation differs from the live one.")
    ] = False,
    number: Annotated[
        int,
        typer.Option(
            "--processes",
            parser=processes,
            metavar="NUMBER",
            help="The processes that fold side by side; 0: none but this one, which takes longer.",
        ),
    ] = 2,
    as_json: AsJson = False,
) -> RebuildCommand:
    """Parses `rebuild`."""
    return RebuildCommand(service, why, back, accept, number, as_json)


def require_no_hand_over(localities: Localities, service: Part) -> None:
    """Refuses a rebuild of a service while one of its parts is handed over, as the table says.

    Raises:
        CommandError: a hand-over goes on. A hand-over refuses to begin during a rebuild.
    """
    for locality in localities:
        for part in parts_of_service(service):
            if locality.claim(part) is not None:
                raise CommandError(
                    f"Nothing was changed. {part.capitalize()} of {locality.name} is being handed over: "
                    "bring that to its end first (python -m linkwork hand-over status)."
                )


async def _run(config: Config, command: RebuildCommand) -> int:
    localities = load_table(config.localities_file)
    require_no_hand_over(localities, command.service)
    database = config.database(command.service)
    source = Source(maker(command.service), config.localities_file, config.kafka, config.mongo_url, database)
    rebuild = Rebuild(
        source,
        localities.slugs,
        say=lambda line: print(line, file=sys.stderr, flush=True),
        processes=command.processes,
        accept=command.accept,
    )
    what = "rebuild back" if command.back else "rebuild"
    try:
        await _note(config, database, f"{what} begun", command.why, {})
        try:
            report = await (rebuild.back() if command.back else rebuild.run())
        except Refused as refused:
            await _note(config, database, f"{what} given up", command.why, {"reason": str(refused)})
            if refused.report is None:
                raise CommandError(f"Nothing was changed. {refused}") from None
            print(_json(refused.report) if command.as_json else _plain(refused.report))
            return 1
        except (asyncio.CancelledError, Exception) as error:
            cause = "stopped" if isinstance(error, asyncio.CancelledError) else type(error).__name__
            await _note_in_time(_note_end(config, rebuild, what, command.why, cause))
            raise
        await _note(config, database, f"{what} done", command.why, {"generation": report.number})
    except (KafkaError, PyMongoError, Transient, OSError) as error:
        raise CommandError(
            f"A store does not answer ({type(error).__name__}). Nothing was changed, unless it had switched "
            "already: what was done is written down in the database, under operations."
        ) from error
    print(_json(report) if command.as_json else _plain(report))
    return 0


async def _note_end(config: Config, rebuild: Rebuild, what: str, why: str, cause: str) -> None:
    """Records the end of a rebuild that was interrupted; it may have switched before."""
    database = rebuild.source.database
    if rebuild.report is not None and await rebuild.has_switched():
        await _note(config, database, f"{what} done", why, {"generation": rebuild.report.number})
    else:
        await _note(config, database, f"{what} given up", why, {"reason": cause})


async def _note_in_time(noting: Coroutine[Any, Any, None]) -> None:
    """Gives up on the note after a few seconds, so that Ctrl-C does not wait for the database."""
    with contextlib.suppress(PyMongoError, Transient, TimeoutError):
        async with asyncio.timeout(_NOTE_SECONDS):
            await asyncio.shield(noting)


async def _note(config: Config, database: str, what: str, why: str, about: dict[str, str | int]) -> None:
    mongo = Mongo(config.mongo_url, database, name="linkwork console")

    async def work(tx: Transaction) -> None:
        await note(tx, new_id, system_clock(), what=what, by=config.operator, why=why, about=dict(about))

    try:
        await mongo.transact(work)
    finally:
        await mongo.close()


def _json(report: Report) -> str:
    return to_json(report.document())


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
