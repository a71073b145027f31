"""`linkwork audit verify`: whether anything was removed, changed, moved or inserted in the audits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from linkwork.arguments import AsJson, command_group
from linkwork.config import Config
from linkwork.databases import database_of
from linkwork.errors import CommandError
from linkwork.output import as_json as to_json
from linkwork.output import table
from shared.contract.events.topics import PARTS, Part
from shared.delivery.audit.chain import Checkpoint
from shared.delivery.audit.verdict import Verdict
from shared.delivery.audit.verification import verify
from shared.platform.clock import system_clock
from shared.platform.key_ring import KeyRing

_HEAD: Final = ("SERVICE", "PAGES", "ENTRIES", "ENDED", "FAULTS", "CHECKPOINT")
# The database removes ended entries once a minute, and later under load.
_LATE: Final = timedelta(days=1)
_EPILOG: Final = """\b
examples:
  linkwork audit verify
  linkwork audit verify --checkpoint checkpoint.json > next.json --json

Keep the output of --json outside the databases, and pass it to the next run: it shows whether the end of a
chain was cut off. Faults: entry_removed, entry_changed, entry_inserted, entry_moved, entry_late (under an old
date), page_missing, page_changed, bad_signature, unknown_key, cut_off.

exit codes: 0 nothing is wrong; 1 faults; 2 refused, with a sentence"""

application = command_group(
    "Verify who looked at or changed what.",
    "The audit of each service: entries sealed in a chain of signed pages.",
    _EPILOG,
)


@application.callback()
def _group() -> None:
    """Keeps `verify` a command of its own."""


@application.command("verify", help="Read every page and entry, and name what does not fit.")
def verify_(
    service: Annotated[Part | None, typer.Option(help="One service only.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="The output of an earlier run with --json, kept elsewhere.")
    ] = None,
    days: Annotated[
        int, typer.Option(min=365, envvar="LINKWORK_AUDIT_DAYS", help="Days for which entries are kept.")
    ] = 2922,
    as_json: AsJson = False,
) -> "AuditVerify":
    """Parses `verify`."""
    return AuditVerify(service, checkpoint, days, as_json)


@dataclass(frozen=True)
class AuditVerify:
    """Verifies the audits of the services."""

    service: Part | None = None
    checkpoint: Path | None = None
    days: int = 2922
    as_json: bool = False

    async def run(self, config: Config) -> int:
        """Prints a row for each service, and its faults.

        Returns:
            0 if nothing is wrong, else 1.

        Raises:
            CommandError: a database does not answer, or the checkpoint cannot be read.
        """
        earlier = _checkpoints(self.checkpoint)
        verdicts = [
            await _verify(config, service, self.days, earlier.get(service))
            for service in ((self.service,) if self.service else PARTS)
        ]
        if self.as_json:
            print(to_json([_described(verdict) for verdict in verdicts]))
        else:
            print(table(_HEAD, [_row(verdict) for verdict in verdicts]))
            for verdict in verdicts:
                for fault in verdict.faults:
                    print(f"{verdict.service}: {fault.code} {fault.where}")
        return int(any(verdict.faults for verdict in verdicts))


async def _verify(config: Config, service: Part, days: int, earlier: Checkpoint | None) -> Verdict:
    keys = KeyRing.of(config.dead_letter_key())
    async with database_of(config, service) as mongo:
        # Not what the database says: who can remove entries can change that too.
        kept_since = system_clock() - timedelta(days=days) + _LATE
        return await verify(mongo, service, keys, kept_since, earlier)


def _checkpoints(path: Path | None) -> Mapping[str, Checkpoint]:
    if path is None:
        return {}
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text())
        found = [row["checkpoint"] for row in rows]
        return {
            each["service"]: Checkpoint(each["service"], int(each["number"]), each["hash"]) for each in found
        }
    except (OSError, ValueError, KeyError, TypeError):
        raise CommandError(
            f"{path.name} cannot be read: give the output of an earlier `linkwork audit verify --json`."
        ) from None


def _described(verdict: Verdict) -> dict[str, Any]:
    end = verdict.checkpoint
    return {
        "service": verdict.service,
        "pages": verdict.pages,
        "entries": verdict.entries,
        "ended": verdict.ended,
        "faults": [{"code": fault.code, "where": fault.where} for fault in verdict.faults],
        "checkpoint": {"service": verdict.service, "number": end.number, "hash": end.hash} if end else None,
    }


def _row(verdict: Verdict) -> list[str]:
    end = verdict.checkpoint
    shown = f"{end.number} {end.hash[:16]}" if end else "-"
    counts = (verdict.pages, verdict.entries, verdict.ended, len(verdict.faults))
    return [verdict.service, *map(str, counts), shown]
