"""`linkwork trigger` against a real admission, and a booking that answers every referral."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from linkwork.__main__ import parse
from linkwork.config import Config
from linkwork.errors import CommandError
from services.referral.partners.admission import Admission
from services.referral.partners.inbox_ends import InboxEnds
from services.referral.partners.repository import RefusalKeeper
from services.referral.partners.table import ProgrammeTable
from shared.contract.stories import load_all
from shared.delivery.kafka.topics import create_topics
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Mongo
from shared.platform.clock import system_clock
from shared.platform.localities import load_localities
from tests.harness.control import topic_name
from tests.harness.delivery.toy import TOY, Bench
from tests.harness.referral.running import own_localities, sandbox_beside

Trigger = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def table(tmp_path: Path) -> tuple[Path, str, str]:
    """A localities file of this test's own, a locality with people, and the sandbox."""
    path, here, _ = own_localities(tmp_path)
    return path, here, sandbox_beside(here)


@pytest_asyncio.fixture
async def running(place: Bench, table: tuple[Path, str, str]) -> AsyncIterator[None]:
    """Admission and booking of the sandbox."""
    path, _, sandbox = table
    localities = load_localities(path)
    partners = localities.by_slug[sandbox].partners()
    await create_topics(place.kafka, [sandbox], partners, sandboxes=[sandbox])
    mongo = Mongo(place.mongo_url, place.options.database)
    keeper = RefusalKeeper(mongo)
    admission = Admission(
        place.options, ProgrammeTable(localities), keeper, InboxEnds(mongo), [sandbox], 1000.0, system_clock
    )
    async with Kernel(TOY, place.options, [sandbox]).running():
        admission.start()
        yield
        await admission.stop()
    await mongo.close()


@pytest.fixture
def trigger(around: Config, table: tuple[Path, str, str], capsys: pytest.CaptureFixture[str]) -> Trigger:
    """Runs `linkwork trigger`: exit code, output, errors."""
    config = replace(around, localities_file=table[0], control_topic=topic_name())

    async def run(*line: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = await parse(["trigger", *line]).command.run(config)
        return code, *capsys.readouterr()

    return run


@pytest.mark.usefixtures("running")
async def test_story_is_said_copied_and_answered(trigger: Trigger, table: tuple[Path, str, str]) -> None:
    sandbox = table[2]
    code, printed, _ = await trigger("first-visit", "--locality", sandbox, "--json")
    lines = [json.loads(line) for line in printed.splitlines()]
    assert code == 0
    story = load_all()["first-visit"].events
    assert [line["label"] for line in lines if line["what"] != "said"] == [event.label for event in story]
    assert {(line["label"], line["source"]) for line in lines if line["what"] == "heard"} == {
        ("booked", f"/{sandbox}/booking")
    }
    assert {line["source"] for line in lines if line["what"] == "said"} == {f"/{sandbox}/trigger"}
    assert len({line["referral"] for line in lines}) == 1


@pytest.mark.usefixtures("running")
async def test_refusal_ends_the_story_with_its_code(trigger: Trigger, table: tuple[Path, str, str]) -> None:
    path, _, sandbox = table
    path.write_text(path.read_text().replace("Z00001", "Z00002"))  # Admission still has the former table.
    code, printed, missing = await trigger("withdrawn", "--locality", sandbox)
    assert code == 1
    assert [line.split()[2] for line in printed.splitlines()] == ["said"]
    assert "Admission refused an event: unknown_practice at /data/practice." in missing


async def test_stories_are_listed_without_a_broker(trigger: Trigger) -> None:
    code, printed, _ = await trigger()
    rows = {line.split()[0]: line.split()[1] for line in printed.splitlines()[1:]}
    assert code == 0
    assert rows.keys() == load_all().keys()
    assert (rows["withdrawn"], rows["link-worker-changed"]) == ("yes", "no")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (("withdrawn", "--locality", "longton"), "longton is no sandbox: what is said there stands for ever"),
        (("withdrawn", "--locality", "atlantis"), "There is no locality atlantis"),
        (("never-told",), "There is no story never-told"),
        (("link-worker-changed",), "cannot be performed here: "),
    ],
)
async def test_what_cannot_be_triggered_is_refused(
    trigger: Trigger, line: tuple[str, ...], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        await trigger(*line)
