"""`linkwork control`: publish, show, history, export, check, and a lost topic published again."""

import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from linkwork.__main__ import parse
from linkwork.config import Config
from linkwork.errors import CommandError
from shared.delivery.kafka.topics import create_topics
from shared.platform.clock import system_clock
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import LOCALITIES_FILE
from tests.harness.control import control_topic, topic_name
from tests.harness.delivery.toy import locality_name

Control = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest_asyncio.fixture
async def config(kafka: KafkaConnection, tmp_path: Path) -> AsyncIterator[Config]:
    """A control topic of this test's own, and a localities file that it may change."""
    for name in (LOCALITIES_FILE.name, "gp_practices.csv"):
        shutil.copy(LOCALITIES_FILE.with_name(name), tmp_path)
    async with control_topic(kafka) as topic:
        yield Config(
            kafka=kafka,
            mongo_url="mongodb://nowhere",
            localities_file=tmp_path / LOCALITIES_FILE.name,
            operator="ada",
            control_topic=topic.name,
        )


@pytest.fixture
def control(config: Config, capsys: pytest.CaptureFixture[str]) -> Control:
    """Runs `linkwork control`: exit code, output, errors."""

    async def run(*line: str, around: Config = config) -> tuple[int, str, str]:
        capsys.readouterr()
        code = await parse(["control", *line]).command.run(around)
        return code, *capsys.readouterr()

    return run


def change(config: Config, before: str, after: str) -> None:
    text = config.localities_file.read_text()
    assert before in text
    config.localities_file.write_text(text.replace(before, after, 1))


async def test_table_is_published_only_if_it_differs(config: Config, control: Control) -> None:
    assert "Version 1 is published" in (await control("publish"))[1]
    assert (await control("publish"))[1].startswith("Nothing differs")
    change(config, "minimum_age = 18", "minimum_age = 16")
    code, said, _ = await control("publish")
    assert code == 0
    assert said.splitlines()[0] == "locality meir: minimum_age was 18, and is 16."
    assert "Version 2 is published" in said
    _, shown, _ = await control("show", "--json")
    assert json.loads(shown)["locality"][0]["minimum_age"] == 16
    assert "Version 1, in force from" in (await control("show", "--version", "1"))[1]


async def test_later_version_waits_and_history_names_nobody(config: Config, control: Control) -> None:
    await control("publish")
    change(config, "minimum_age = 18", "minimum_age = 16")
    tomorrow = (system_clock() + timedelta(days=1)).isoformat()
    await control("publish", "--in-force-from", tomorrow)
    rows = json.loads((await control("history", "--json"))[1])
    assert [(row["version"], row["state"], row["differences"]) for row in rows] == [
        ("1", "in force", "the first"),
        ("2", "waits", "1"),
    ]
    assert all(row["author"].startswith("operator-") and "ada" not in row["author"] for row in rows)
    with pytest.raises(CommandError, match="a time that has passed"):
        await control("publish", "--in-force-from", "2020-01-01")


async def test_removed_locality_is_not_published(config: Config, control: Control) -> None:
    await control("publish")
    change(config, 'slug = "longton"', 'slug = "newtown"')
    with pytest.raises(CommandError, match="has no locality longton"):
        await control("publish")
    assert len((await control("export"))[1].splitlines()) == 1


async def test_table_that_silences_our_own_part_is_not_published(config: Config, control: Control) -> None:
    change(config, 'meeting_booked = { booking = "any", ', "meeting_booked = { ")
    with pytest.raises(CommandError, match='needs it: write booking = "any"'):
        await control("publish")
    assert (await control("export"))[1] == ""


async def test_lost_topic_is_published_again_from_export(
    config: Config, control: Control, kafka: KafkaConnection, tmp_path: Path
) -> None:
    await control("publish")
    change(config, "minimum_age = 18", "minimum_age = 16")
    await control("publish")
    _, lines, _ = await control("export")
    export = tmp_path / "control.jsonl"
    export.write_text(lines)
    lost = replace(config, control_topic=topic_name())
    with pytest.raises(CommandError, match="There is no control topic"):
        await control("show", around=lost)
    await create_topics(kafka, [], control=lost.control_topic)
    assert (await control("publish", str(export), around=lost))[1] == "2 versions published again.\n"
    assert (await control("export", around=lost))[1] == lines
    assert (await control("publish", str(export), around=lost))[1] == "The topic holds them all.\n"


async def test_check_compares_file_and_topics(config: Config, control: Control) -> None:
    change(config, 'slug = "meir"', 'slug = "oldtown"')
    await control("publish")
    change(config, "minimum_age = 18", "minimum_age = 16")
    code, found, _ = await control("check")
    assert code == 1
    assert "Not published: locality oldtown: minimum_age was 18, and is 16." in found
    assert "Locality oldtown has no topic oldtown.referral-created.v1" in found


async def test_check_names_topics_that_keep_too_long_or_too_short(
    config: Config, control: Control, kafka: KafkaConnection
) -> None:
    town, sandbox = locality_name(), locality_name()
    change(config, 'slug = "longton"', f'slug = "{town}"')
    change(config, 'slug = "sandbox"', f'slug = "{sandbox}"')
    await control("publish")
    # As if somebody had taken the one for the other.
    partners = [f"/{town}/history", f"/{sandbox}/trigger"]
    await create_topics(kafka, [town, sandbox], partners, sandboxes=[town])
    _, found, _ = await control("check")
    week, month = 7 * 24 * 3600 * 1000, 30 * 24 * 3600 * 1000
    assert f"Topic {town}.meeting-booked.v1 has retention.ms={week}, and should have -1." in found
    assert f"Topic in.{town}.history has retention.ms={week}, and should have {month}." in found
    assert f"Topic {sandbox}.meeting-booked.v1 has retention.ms=-1, and should have {week}." in found
    assert f"Topic refused.{sandbox}.trigger has retention.ms={month}, and should have {week}." in found
