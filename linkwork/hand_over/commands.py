"""The command line of `linkwork hand-over plan|run|status|back`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from linkwork.arguments import AsJson, command_group, reason
from linkwork.config import Config
from linkwork.errors import CommandError
from linkwork.hand_over.doing import Ended, HandOver, described
from linkwork.hand_over.plan import plan_of, read_report
from linkwork.hand_over.steps import SAYS, Step, next_step
from linkwork.hand_over.stores import Stores, open_stores
from linkwork.output import as_json as to_json
from linkwork.output import format_time, table
from linkwork.tables import table_in_force
from shared.contract.events.topics import SOURCE_PARTS, SourcePart
from shared.platform.localities import OURS

_EPILOG: Final = """\b
examples:
  linkwork hand-over plan meir booking --to booking-js --report report.json
  linkwork hand-over run meir booking --to booking-js --why "contract signed"
  linkwork hand-over back meir booking --forced --why "the partner has been silent for an hour"

Each step is found from what is stored: after a crash or a long wait, run the same command again. A hand-over
under way is undone by `back` before its first marker; behind it, `back` finishes it, and goes back.

--json prints an object: owner, epoch, steps, and waits_for, missing, since if it could not wait any longer.

exit codes: 0 done; 1 it waits for a step; 2 refused, with a sentence; 130 stopped by Ctrl-C"""
_HEAD: Final = ("LOCALITY", "PART", "OWNER", "EPOCH", "TO", "SINCE", "NEXT", "MISSING")
_PATIENCE: Final = 600.0
# `back --forced` has two minutes; a transaction of the partner may take one of them.
_FORCED_PATIENCE: Final = 110.0

application = command_group(
    "Give a part of a locality to a partner, and take it back.",
    "Hand-overs: who owns a part of a locality, changed without a referral missed or answered twice.",
    _EPILOG,
)
InLocality = Annotated[str, typer.Argument(help="The locality.")]
OfPart = Annotated[SourcePart, typer.Argument(help="The part.")]
To = Annotated[str, typer.Option(metavar="NAME", help="The new owner: a source that brings the part.")]
Why = Annotated[str, typer.Option(parser=reason, metavar="REASON", help="Your reason, for the auditor.")]
ReportFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The report of the conformance kit on the new owner.")
]
Patience = Annotated[
    float | None,
    typer.Option("--wait", min=1.0, max=3600.0, metavar="SECONDS", help="Wait so long at most."),
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="STEP", help="End after this step; run again to go on.")
]


@dataclass(frozen=True)
class HandOverCommand:
    """One command on the hand-over of a part."""

    verb: Literal["plan", "run", "back"]
    locality: str
    part: SourcePart
    to: str = OURS
    why: str = ""
    report: Path | None = None
    forced: bool = False
    seconds: float = _PATIENCE
    until: Step | None = None
    as_json: bool = False
    accepts_not_tried: bool = False

    async def run(self, config: Config) -> int:
        """Runs the command and returns its exit code.

        Raises:
            CommandError: a store is away, or what is asked is refused.
        """
        report = read_report(self.report, self.part, self.to)
        async with open_stores(config, self.locality, self.part, self.why) as stores:
            if self.verb != "back":
                self._check_owner(stores)
            if self.verb == "plan":
                found = await plan_of(stores, await stores.stored(), self.to, report)
                print(to_json(found.document()) if self.as_json else "\n".join(found.lines()))
                return 0
            if self.verb == "run" and not report.passed:
                if self.report is not None or config.needs_report:
                    raise CommandError(f"Nothing was changed: {report.says}.")
                print(f"Warning: {report.says}.", file=sys.stderr)
            if self.verb == "run" and report.not_tried:
                if not self.accepts_not_tried:
                    advice = "Have them tried, or confirm with --accept-not-tried"
                    raise CommandError(f"Nothing was changed: {report.says}. {advice}.")
                print(f"Warning: {report.says}.", file=sys.stderr)
            return await self._hand_over(stores)

    async def _hand_over(self, stores: Stores) -> int:
        steps: list[str] = []

        def say(line: str) -> None:
            steps.append(line)
            if not self.as_json:
                print(line, flush=True)

        work = HandOver(stores, say, self.seconds, forced=self.forced, until=self.until)
        ended = await (work.give(self.to) if self.verb == "run" else work.back())
        if self.as_json:
            print(to_json(_document(ended, steps)))
        elif ended.waits_for is None:
            print(f"{self.part} of {self.locality} is {ended.owner}'s, in epoch {ended.epoch}.")
        else:
            since = f" since {format_time(ended.since)}" if ended.since else ""
            print(f"Not done: it waits at {ended.waits_for}{since}. {ended.missing}", file=sys.stderr)
        return 0 if ended.waits_for is None else 1

    def _check_owner(self, stores: Stores) -> None:
        brings = [each.name for each in stores.locality.sources.values() if each.brings == self.part]
        if self.to not in (OURS, *brings):
            known = f"There are: {', '.join(brings)}." if brings else "There is none: add one to the table."
            raise CommandError(
                f"{self.to} is no source of {self.locality} whose part is {self.part}. {known}"
            )


def _document(ended: Ended, steps: list[str]) -> dict[str, Any]:
    return {
        "owner": ended.owner,
        "epoch": ended.epoch,
        "steps": steps,
        "waits_for": ended.waits_for,
        "missing": ended.missing or None,
        "since": ended.since,
    }


@dataclass(frozen=True)
class HandOverStatus:
    """Shows who owns what, and the hand-overs under way."""

    locality: str | None = None
    part: SourcePart | None = None
    as_json: bool = False

    async def run(self, config: Config) -> int:
        """Prints a row for each part that is a partner's, was handed over or is under way, or is asked for.

        Raises:
            CommandError: a store is away, or there is no such locality.
        """
        known = await table_in_force(config)
        if self.locality is not None and self.locality not in known.slugs:
            raise CommandError(f"There is no locality {self.locality}. There are: {', '.join(known.slugs)}.")
        rows: list[dict[str, Any]] = []
        for there in known:
            for part in SOURCE_PARTS:
                asked = self.locality == there.slug and self.part in (None, part)
                of_note = there.epoch(part) > 0 or there.claim(part) is not None
                if asked or (self.locality is None and of_note and self.part in (None, part)):
                    rows.append(await self._row(config, there.slug, part))
        if self.as_json:
            print(to_json(rows))
        else:
            print(table(_HEAD, [_cells(row) for row in rows]) if rows else "Every part is linkwork's.")
        return 0

    @staticmethod
    async def _row(config: Config, slug: str, part: SourcePart) -> dict[str, Any]:
        async with open_stores(config, slug, part, "") as stores:
            stored = await stores.stored()
            step = next_step(stored, stored.claim.to if stored.claim else stored.owner)
            return described(stores, stored, step)


def _cells(row: dict[str, Any]) -> list[str]:
    return [
        "-" if value is None else format_time(value) if name == "since" else str(value)
        for name, value in row.items()
    ]


@application.command("plan", help="Show what a hand-over will do, and what speaks against it.")
def plan_(
    locality: InLocality, part: OfPart, to: To, report: ReportFile = None, as_json: AsJson = False
) -> HandOverCommand:
    """Parses `plan`."""
    return HandOverCommand("plan", locality, part, to, report=report, as_json=as_json)


@application.command("run", help="Give the part to a partner, or go on with it.")
def run_(
    locality: InLocality,
    part: OfPart,
    to: To,
    why: Why,
    report: ReportFile = None,
    accept_not_tried: Annotated[
        bool, typer.Option("--accept-not-tried", help="Go on, although the kit could not try some clauses.")
    ] = False,
    wait: Patience = None,
    until: Until = None,
    as_json: AsJson = False,
) -> HandOverCommand:
    """Parses `run`."""
    seconds = _PATIENCE if wait is None else wait
    return HandOverCommand(
        "run", locality, part, to, why, report, False, seconds, _until(until), as_json, accept_not_tried
    )


@application.command("back", help="Take the part back, or undo a hand-over that has no marker yet.")
def back_(
    locality: InLocality,
    part: OfPart,
    why: Why,
    forced: Annotated[
        bool, typer.Option("--forced", help="Do not wait for the partner: shut it out, and end its inbox.")
    ] = False,
    wait: Patience = None,
    until: Until = None,
    as_json: AsJson = False,
) -> HandOverCommand:
    """Parses `back`."""
    usual = _FORCED_PATIENCE if forced else _PATIENCE
    seconds = usual if wait is None else wait
    return HandOverCommand("back", locality, part, OURS, why, None, forced, seconds, _until(until), as_json)


@application.command("status", help="Show who owns which part, and the hand-overs under way.")
def status_(
    locality: Annotated[str | None, typer.Argument(help="One locality only.")] = None,
    part: Annotated[SourcePart | None, typer.Argument(help="One part only.")] = None,
    as_json: AsJson = False,
) -> HandOverStatus:
    """Parses `status`."""
    return HandOverStatus(locality, part, as_json)


def _until(text: str | None) -> Step | None:
    if text is None:
        return None
    found = next((step for step in SAYS if step == text), None)
    if found is None:
        raise typer.BadParameter(f"steps are {', '.join(SAYS)}", param_hint="--until")
    return found
