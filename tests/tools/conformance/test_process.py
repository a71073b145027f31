"""A part that a command starts: one that does not come up is told as the part's fault."""

from pathlib import Path

import pytest

from conformance.clause import Away
from conformance.process import CommandPart
from deploy.local.ports import LOOPBACK, free_port


@pytest.mark.parametrize("ready", ["", f"http://{LOOPBACK}:9/readyz"])
async def test_command_that_ends_is_away_and_names_its_log(tmp_path: Path, ready: str) -> None:
    log = tmp_path / "part.log"
    part = CommandPart("echo broken; exit 3", "", ready, {}, log)
    with pytest.raises(Away, match=f"ended with 3: see {log}"):
        await part.start()
    assert log.read_text() == "broken\n"


async def test_command_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    port, wiped = free_port(), tmp_path / "wiped"
    serve = f"python3 -m http.server {port} --bind {LOOPBACK} & wait"
    part = CommandPart(serve, f"touch {wiped}", f"http://{LOOPBACK}:{port}/", {}, tmp_path / "part.log")
    await part.start()
    await part.kill()
    assert await part.wipe()
    assert wiped.exists()
    # The port is free again.
    await part.start()
    await part.kill()
