"""`linkwork streams`: how far a service has read, and where a stopped stream goes on."""

import asyncio
import json
from typing import Any

import pytest

from linkwork.__main__ import parse
from linkwork.config import Config
from linkwork.errors import CommandError
from shared.delivery.mongo.operations import OPERATIONS
from shared.delivery.offsets.handled import HANDLED
from shared.platform.clock import system_clock
from tests.harness.delivery.toy import Bench, created, said


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.delivery.offsets.stream_gate._SHUT_SECONDS", 0.2)


async def test_stopped_stream_is_listed_and_resumed(
    place: Bench, around: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    async def listed() -> tuple[int, list[dict[str, Any]]]:
        capsys.readouterr()
        line = ["streams", "list", "matching", "--locality", place.locality, "--json"]
        code = await parse(line).command.run(around)
        return code, json.loads(capsys.readouterr().out)

    async def resumed(begin: str) -> int:
        line = ["streams", "resume", "matching", place.locality, "--from", begin, "--why", "restored"]
        return await parse(line).command.run(around)

    event = said(created(place.locality))
    async with place.kernel().running() as kernel:
        await place.say(event)
        await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, 10)
        for _ in range(50):
            code, rows = await listed()
            if sum(row["handled"] or 0 for row in rows) == 3:
                break
            await asyncio.sleep(0.1)
    code, rows = await listed()
    assert code == 0
    assert [row["state"] for row in rows] == ["ok"] * 9
    assert sum(row["handled"] for row in rows) == sum(row["end"] for row in rows) == 3
    assert await resumed("start") == 1, "it is not stopped"

    began = system_clock()
    async with place.kernel().running() as kernel:
        await kernel.mongo[HANDLED].update_many({}, {"$set": {"next": 0}})
        kernel._consumers[0].gate.shut()
        code, rows = await listed()
        assert code == 1
        assert [row["state"] for row in rows].count("database_behind") == 3
        with pytest.raises(CommandError, match="from handled or committed"):
            await resumed("start")
        assert await resumed("committed") == 0
        code, rows = await listed()
        assert (code, sum(row["handled"] for row in rows)) == (0, 3)
        more = said(created(place.locality))
        await place.say(more)
        view = await kernel.wait_for(place.locality, more.body.referral_id, lambda v: v["meetings"] == 1, 10)
        assert view is not None
        note = await kernel.mongo[OPERATIONS].find_one({"at": {"$gte": began}})
        assert note is not None
        assert (note["what"], note["by"], note["why"]) == ("stream resumed", "ada", "restored")
        assert note["about"]["mismatch"] == "database_behind"


async def test_missing_topics_are_listed(
    place: Bench, around: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    async with place.kernel().running():
        pass
    line = ["streams", "list", "matching", "--locality", "nowhere"]
    assert await parse(line).command.run(around) == 1
    assert capsys.readouterr().out.count("topic_missing") == 3
