"""The example of `docs/partners.md` refers somebody, follows the referral and sees a refusal."""

import asyncio
import os
import shutil
from pathlib import Path

from deploy.local.assets import npm
from shared.contract.events.models import MeetingBooked
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from tests.harness.referral.admission import heard
from tests.harness.referral.running import PRACTICE, ReferralHarness

EXAMPLE = Path(__file__).parents[3] / "examples" / "partner-js"


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
    """Books a meeting for the referral of the example, as matching would."""
    topic = f"{referral.here}.referral-created.v1"
    began = system_clock().timestamp() * 1000  # Other tests have made referrals before.
    theirs = ("ce_source", f"/{referral.here}/vast-hub".encode())
    (record, *_) = await heard(
        referral.kafka, [topic], 1, 60, lambda r: theirs in r.headers and r.timestamp >= began
    )
    body = MeetingBooked(
        referral_id=(record.key or b"").decode(),
        locality=referral.here,
        meeting_id=new_id(),
        sequence=0,
        link_worker=f"lw-{referral.here}-1",
        practice=PRACTICE,
        starts_at=system_clock(),
        minutes=45,
    )
    await referral.say(body)


async def test_example_refers_follows_and_shows_a_refusal(referral: ReferralHarness, tmp_path: Path) -> None:
    folder = tmp_path / "partner-js"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"))
    manager = npm(folder)
    await run([*manager, "ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund"], folder)
    said, _ = await asyncio.gather(
        run(
            [*manager, "start", "--silent"],
            folder,
            KAFKA_BOOTSTRAP=referral.kafka.bootstrap,
            KAFKA_USER=referral.kafka.user,
            KAFKA_PASSWORD=referral.kafka.password.get_secret_value(),
            LOCALITY=referral.here,
            PARTNER="vast-hub",
            PRACTICE=PRACTICE,
        ),
        book(referral),
    )
    assert "heard       meeting-booked" in said
    assert "refused     invalid_body at /data/needs/0" in said
