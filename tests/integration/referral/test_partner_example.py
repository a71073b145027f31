"""Examples of `docs/partners.md`: each refers, follows, sees a refusal and mends it under the same id."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from deploy.local.assets import npm
from shared.contract.events.models import MeetingBooked
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from tests.harness.java import class_path, compiled
from tests.harness.referral.admission import heard
from tests.harness.referral.running import PRACTICE, ReferralHarness

EXAMPLES = Path(__file__).parents[3] / "examples"


async def run(command: list[str], folder: Path, **environment: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(90):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return said.decode()


async def book(referral: ReferralHarness) -> None:
    """Books a meeting for each of the two referrals of an example, as booking would."""
    topic = f"{referral.here}.referral-created.v1"
    began = system_clock().timestamp() * 1000  # Other tests have made referrals before.
    theirs = ("ce_source", f"/{referral.here}/vast-hub".encode())
    records = await heard(
        referral.kafka, [topic], 2, 80, lambda r: theirs in r.headers and r.timestamp >= began
    )
    for record in records:
        body = MeetingBooked(
            referral_id=(record.key or b"").decode(),
            locality=referral.here,
            meeting_id=new_id(),
            sequence=0,
            link_worker=f"lw-{referral.here}-1",
            practice=PRACTICE,
            starts_at=system_clock(),
            minutes=45,
            provisional=True,
        )
        await referral.say(body)


async def prepared(language: str, folder: Path) -> list[str]:
    """The command that runs an example from a copy of its folder, with what it needs installed."""
    shutil.copytree(EXAMPLES / f"partner-{language}", folder, ignore=shutil.ignore_patterns("node_modules"))
    if language == "py":
        return [sys.executable, "partner.py"]
    if language == "java":
        return await compiled(folder / "Partner.java", class_path(folder / "pom.xml"), folder / "classes")
    manager = npm(folder)
    await run([*manager, "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund"], folder)
    return [*manager, "start", "--silent"]


@pytest.mark.parametrize("language", ["js", "py", "java"])
async def test_example_refers_follows_and_mends_a_refusal(
    language: str, referral: ReferralHarness, tmp_path: Path
) -> None:
    folder = tmp_path / language
    command = await prepared(language, folder)
    environment = {
        "KAFKA_BOOTSTRAP": referral.kafka.bootstrap,
        "KAFKA_USER": referral.kafka.user,
        "KAFKA_PASSWORD": referral.kafka.password.get_secret_value(),
        "LOCALITY": referral.here,
        "PARTNER": "vast-hub",
        "PRACTICE": PRACTICE,
    }
    said, _ = await asyncio.gather(run(command, folder, **environment), book(referral))
    (referred,) = (line.split()[1] for line in said.splitlines() if line.startswith("referred "))
    (mended,) = (line.split()[1] for line in said.splitlines() if line.startswith("mended "))
    assert referred != mended
    assert "refused     invalid_body at /data/needs/0: " in said
    (booked, *_) = (line for line in said.splitlines() if line.startswith("heard       meeting-booked"))
    assert booked.endswith(" provisional")
