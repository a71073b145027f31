"""The command line and the output of a rebuild."""

import asyncio
from pathlib import Path

import pytest

from linkwork import rebuild as console
from linkwork.__main__ import parse
from linkwork.config import Config
from linkwork.errors import CommandError
from linkwork.rebuild import RebuildCommand, _plain
from shared.delivery.mongo.database import Mongo
from shared.delivery.mongo.operations import OPERATIONS
from shared.delivery.rebuild.comparing import Comparison, DerivedComparison
from shared.delivery.rebuild.report import Report
from shared.delivery.rebuild.run import Rebuild
from shared.delivery.rebuild.shadow_generation import ShadowGeneration
from tests.harness.delivery.toy import Bench
from tests.integration.rebuild.test_real_parts import around_of, part_running

COMMAND = ("rebuild", "evaluation")


@pytest.fixture
def around(place: Bench, tmp_path: Path) -> Config:
    return around_of(place, tmp_path)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("--why", "drift", "--processes", "-1"), "from 0 to 999"),
        (("--why", "drift", "--processes=-1"), "from 0 to 999"),
        (("--why", "drift", "--processes", "two"), "from 0 to 999"),
        (("--why", ""), "say why, in a few words"),
        (("--why", "   "), "say why, in a few words"),
    ],
)
def test_arguments_impossible_are_refused_with_a_sentence(
    typed: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse([*COMMAND, *typed])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_arguments_valid_are_parsed() -> None:
    given = parse([*COMMAND, "--why", " drift ", "--processes", "0"]).command
    assert given == RebuildCommand("evaluation", "drift", processes=0)
    assert parse([*COMMAND, "--why", "drift"]).command == RebuildCommand("evaluation", "drift", processes=2)


def test_report_compared_rows_are_not_shown_as_missing() -> None:
    whole = Report(
        1,
        2,
        compared=Comparison(1200, 3460, extra=3),
        figures=DerivedComparison(7, ("sums a",)),
        switched=True,
    )
    assert _plain(whole).splitlines()[:5] == [
        "COMPARED                 ROWS  DIFFERENCES",
        "facts                    3460  0 missing from the new one",
        "                               3 in the new one only",
        "views of the same facts  1200  0",
        "other rows               7     1",
    ]


async def stopped_at(around: Config, there: asyncio.Event, *options: str) -> None:
    """A rebuild, stopped as Ctrl-C does it once it is `there`."""
    given = parse([*COMMAND, "--processes", "0", "--why", "drift", *options]).command
    running = asyncio.create_task(given.run(around))
    async with asyncio.timeout(60):
        await there.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def noted(mongo: Mongo) -> list[tuple[str, str, dict[str, str | int]]]:
    rows = mongo[OPERATIONS].find().sort("_id", 1)
    return [(row["what"], row["why"], row["about"]) async for row in rows]


async def test_the_auditor_finds_that_it_was_stopped(
    place: Bench, around: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = asyncio.Event()

    async def compare(_: ShadowGeneration) -> Comparison:
        there.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(ShadowGeneration, "compare", compare)
    async with part_running(place, "evaluation") as kernel:
        await stopped_at(around, there)
        begun, ended = await noted(kernel.mongo)
        assert begun == ("rebuild begun", "drift", {})
        assert ended == ("rebuild given up", "drift", {"reason": "stopped"})


async def test_rebuild_stopped_after_the_switch_is_noted_as_done(
    place: Bench, around: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, run = asyncio.Event(), Rebuild.run

    async def and_linger(self: Rebuild) -> Report:
        await run(self)
        there.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(Rebuild, "run", and_linger)
    async with part_running(place, "evaluation") as kernel:
        await stopped_at(around, there)
        assert (await noted(kernel.mongo))[1:] == [("rebuild done", "drift", {"generation": 2})]


async def test_the_auditor_finds_that_a_store_was_away(
    place: Bench, around: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def compare(_: ShadowGeneration) -> Comparison:
        raise ConnectionRefusedError

    monkeypatch.setattr(ShadowGeneration, "compare", compare)
    given = parse([*COMMAND, "--processes", "0", "--why", "drift"]).command
    async with part_running(place, "evaluation") as kernel:
        with pytest.raises(CommandError, match="A store does not answer"):
            await given.run(around)
        ended = ("rebuild given up", "drift", {"reason": "ConnectionRefusedError"})
        assert (await noted(kernel.mongo))[1:] == [ended]


async def test_ctrl_c_does_not_wait_for_a_note_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(console, "_NOTE_SECONDS", 0.01)
    async with asyncio.timeout(5):
        await console._note_in_time(never())
