"""All four services lose their databases under load, and go on from a back-up and the log."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pyrage
import pytest
import pytest_asyncio

from chaos.case import Case
from chaos.diaries import diaries_hold_no_time_twice, diaries_hold_what_stands, no_time_twice
from chaos.messages import repeated
from chaos.reconcile import figures, heard, one_creation_each, one_meeting_each, same_words, what_was_said
from shared.contract.events.topics import PARTS
from tests.harness.rebuild.town import Town
from tests.harness.rebuild.town import town as started

pytestmark = pytest.mark.long
_REST_SECONDS = 20.0
# People whom the vault has lost since the back-up can be told nothing, so that messages are not compared.
_CHECKS = (
    *(one_creation_each, what_was_said, same_words, one_meeting_each, heard, figures),
    *(no_time_twice, diaries_hold_no_time_twice, diaries_hold_what_stands),
)


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with started(tmp_path / "town") as made:
        yield made


async def test_restored_services_double_nothing_and_count_the_same(town: Town, tmp_path: Path) -> None:
    key = pyrage.x25519.Identity.generate()
    identity = tmp_path / "key.txt"
    identity.write_text(str(key))
    async with town.busy():
        await asyncio.sleep(3)
        backup = ("backup", "create", str(tmp_path), "--to", str(key.to_public()), "--json")
        code, out, errors = await town.console(*backup)
        assert code == 0, errors
        await asyncio.sleep(5)
    before = await town.at_rest(_REST_SECONDS)

    services = list(town.stack.shape.replicas)
    await asyncio.gather(*(town.stack.processes[name].stop() for name in services))
    for part in PARTS:
        await town.stack.mongo.drop_database(f"linkwork_{part}")
    files = {each["manifest"]["kind"]: each["file"] for each in json.loads(out)}
    line = ("backup", "restore", files["data"], "--keys", files["keys"], "--identity", str(identity))
    code, out, errors = await town.console(*line, "--why", "the disk failed")
    assert code == 0, errors
    await town.stack.start_processes(services)
    after = await town.at_rest(_REST_SECONDS)
    assert after.figures == before.figures
    said_before = {(entry.topic, entry.key, entry.value) for entry in before.log}
    assert {(entry.topic, entry.key, entry.value) for entry in after.log} == said_before

    async with town.busy():
        await asyncio.sleep(3)
    last = await town.at_rest(_REST_SECONDS)
    assert len(last.log) > len(after.log)
    assert [finding for check in _CHECKS for finding in check(Case(last))] == []
    assert repeated(last) == {}, "somebody was told twice"
