"""Tries clauses side by side, then one at a time those that stop or hand over the part."""

import asyncio
import shlex
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

from conformance.clause import NOTHING, Away, Broken, Clause, NotTried
from conformance.kit import Kit
from conformance.settings import Settings
from conformance.trial import Trial

Outcome = Literal["passed", "failed", "not tried", "error"]
_LONGEST: Final = 300.0


@dataclass
class Result:
    """The outcome of one clause, with all that explains it. `at` is when the trial began."""

    clause: Clause
    outcome: Outcome
    seconds: float
    expected: str = ""
    came: str = ""
    sent: Sequence[str] = field(default_factory=list)
    evidence: Sequence[str] = field(default_factory=list)
    at: datetime | None = None


async def run(kit: Kit, clauses: Sequence[Clause], told: Callable[[Result], None]) -> list[Result]:
    """Tries the clauses and gives the results in their order. `told` is called with each as it comes."""
    found: dict[str, Result] = {}
    gate = asyncio.Semaphore(kit.settings.at_once)

    async def one(clause: Clause) -> None:
        async with gate:
            found[clause.name] = result = await try_one(kit, clause)
            told(result)

    # The longest first: they do not keep the run waiting at its end.
    together = sorted((each for each in clauses if not each.alone), key=lambda each: -each.limit)
    await asyncio.gather(*(one(each) for each in together))
    for each in clauses:
        if each.alone:
            await one(each)
    return [found[each.name] for each in clauses]


async def try_one(kit: Kit, clause: Clause) -> Result:
    """Tries one clause."""
    trial, began, at = Trial(clause, kit), time.monotonic(), datetime.now(UTC)
    longest = _LONGEST * max(1.0, kit.settings.patience)

    def result(outcome: Outcome, expected: str = "", came: str = "") -> Result:
        seconds = round(time.monotonic() - began, 1)
        return Result(clause, outcome, seconds, expected, came, trial.sent, trial.evidence(), at)

    try:
        await asyncio.wait_for(clause.run(trial), longest)
        made = result("passed")
    except Broken as broken:
        made = result("failed", broken.expected, broken.came)
    except Away as away:
        made = result("failed", "a part that starts and an adapter that answers", str(away))
    except NotTried as why:
        made = result("not tried", came=str(why))
    except TimeoutError:
        made = result("failed", f"an end within {longest:.0f} s", trial.heard_lines() or NOTHING)
    except Exception as error:  # The others are tried still.
        if wrong := trial.malformed():
            made = result("failed", "facts by the schema of what may be published", wrong)
        else:
            made = result("error", came=f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-3)}")
    await trial.clear()
    return made


def repeat(settings: Settings, clause: Clause) -> str:
    """The command that tries this clause alone."""
    if settings.make:
        patience = f" PATIENCE={settings.patience:g}" if settings.patience != Settings.patience else ""
        return f"{settings.make} ONLY={clause.name} SEED={settings.seed}{patience}"
    words = ["linkwork-conformance", settings.part, "--bootstrap", settings.kafka.bootstrap]
    words += ["--locality", settings.locality, "--practice", settings.practice]
    for name, value in (
        ("--user", settings.kafka.user),
        ("--ca-file", settings.kafka.ca_file),
        ("--other-locality", settings.other_locality),
        ("--other-practice", settings.other_practice),
        ("--source", settings.source),
        ("--api", settings.api),
        ("--hands", settings.hands),
        ("--start", settings.start),
        ("--wipe", settings.wipe),
        ("--ready", settings.ready),
        ("--listen", str(settings.listen or "")),
        ("--settle", f"{settings.settle:g}" if settings.settle != Settings.settle else ""),
        ("--patience", f"{settings.patience:g}" if settings.patience != Settings.patience else ""),
    ):
        words += [name, value] if value else []
    words += ["--tls"] if settings.kafka.tls else []
    words += ["--inbox"] if settings.inbox else []
    return shlex.join([*words, "--only", clause.name, "--seed", str(settings.seed)])
