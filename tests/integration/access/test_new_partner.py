"""A partner is added while admission runs, by the one command that the operator's page names."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import SecretStr

from linkwork.__main__ import parse
from linkwork.config import Config
from linkwork.errors import CommandError
from services.referral.partners.admission import Admission
from services.referral.partners.inbox_ends import InboxEnds
from services.referral.partners.repository import RefusalKeeper
from services.referral.partners.table import ProgrammeTable
from shared.contract.events.refusals import RecordRefused
from shared.contract.events.topics import CONTROL_TOPIC, event_topics, topic
from shared.delivery.control.served import ServedSlugs
from shared.delivery.control.table import Control, ControlTable
from shared.delivery.kafka.topics import create_topics
from shared.delivery.mongo.database import Mongo
from shared.delivery.options import Options
from shared.platform.access.declaration import ADMISSION, Partner
from shared.platform.clock import system_clock
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import Localities
from tests.harness.delivery.toy import locality_name
from tests.harness.localities import one_locality
from tests.harness.referral.partners import creation, sent

pytestmark = pytest.mark.asyncio(loop_scope="module")
NEW = "new-hub"
ENTRY = f'{{ name = "{NEW}", part = "partner", rank = 12, vault = "https://vault.new-hub.example/" }}'


def add_partner(file: Path) -> None:
    text = file.read_text()
    assert "\nsources = [" in text
    file.write_text(text.replace("\nsources = [", f"\nsources = [{ENTRY}, ", 1))


@asynccontextmanager
async def admission(kafka: KafkaConnection, mongo_url: str) -> AsyncIterator[ControlTable]:
    """Admission with a table that follows the control topic, as the process of its own runs it."""
    database = f"test_{locality_name()}"
    mongo = Mongo(mongo_url, database, name="test-new-partner")
    known = Localities.unread()
    table = ControlTable("admission", "all", Control(kafka), known, system_clock)
    options = Options(kafka, mongo_url, database, b"a key for tests", session_timeout_ms=3000)
    judged = ProgrammeTable(known)
    judge = Admission(
        options, judged, RefusalKeeper(mongo), InboxEnds(mongo), ServedSlugs(table), 1000.0, system_clock
    )
    await table.start(mongo, lambda: None)
    judge.start()
    try:
        yield table
    finally:
        await judge.stop()
        await table.stop()
        await mongo.client.drop_database(database)
        await mongo.close()


async def test_one_command_adds_a_partner_while_admission_runs(
    kafka: KafkaConnection, mongo_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, folder = one_locality(tmp_path), tmp_path / "users"
    around = Config(kafka, "mongodb://nowhere", file, operator="ada", partitions=1)
    await create_topics(kafka, [], control=CONTROL_TOPIC)

    async def publish(*options: str) -> str:
        capsys.readouterr()
        line = ["control", "publish", *options]
        assert await parse(line).command.run(around) == 0
        return capsys.readouterr().out

    def as_user(user: str) -> KafkaConnection:
        return kafka.as_user(user, SecretStr((folder / user).read_text().strip()))

    await publish("--apply", "--passwords", str(folder))
    async with admission(as_user(ADMISSION), mongo_url):
        add_partner(file)
        with pytest.raises(CommandError, match="say with --passwords"):
            await publish("--apply")
        printed = await publish("--apply", "--passwords", str(folder))
        partner = Partner("meir", NEW)
        for line in (f"+ user {partner.user}", "2 topics made.", f"locality meir: source {NEW} is new."):
            assert line in printed.splitlines()
        client = as_user(partner.user).client_arguments()
        good = sent(creation("meir", NEW))
        bad = sent(creation("meir", NEW)).with_body(needs=None)
        group = f"{partner.group_prefix}one"
        reader = AIOKafkaConsumer(
            *event_topics("meir"), partner.refusals, group_id=group, auto_offset_reset="earliest", **client
        )
        async with AIOKafkaProducer(**client) as producer, reader:
            for record in (good, bad):
                await producer.send_and_wait(
                    partner.inbox, record.value, key=record.key, headers=list(record.headers)
                )
            found = {record.topic: record async for record in _first(reader, 2)}
        assert found[topic("meir", "referral-created")].value == good.value
        told = RecordRefused.model_validate_json(found[partner.refusals].value or b"")
        assert (told.code.value, told.pointer) == ("invalid_body", "/data/needs")
        assert "Nothing differs" in await publish("--apply")


async def _first(reader: AIOKafkaConsumer, count: int) -> AsyncIterator[Any]:
    for _ in range(count):
        yield await reader.getone()


async def test_publishing_alone_says_what_is_missing(
    kafka: KafkaConnection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = one_locality(tmp_path)
    add_partner(file)
    file.write_text(file.read_text().replace('slug = "meir"', 'slug = "newtown"'))
    control = f"linkwork.control-{locality_name()}.v1"
    await create_topics(kafka, ["newtown"], control=control)
    around = Config(kafka, "mongodb://nowhere", file, operator="ada", control_topic=control)
    assert await parse(["control", "publish"]).command.run(around) == 0
    said = capsys.readouterr().err
    assert "Locality newtown has no topic in.newtown." in said
    assert "`linkwork control publish --apply --passwords FOLDER` makes" in said
    export = replace(around, localities_file=tmp_path / "control.jsonl")
    with pytest.raises(CommandError, match="goes with a localities file"):
        await parse(["control", "publish", "--apply"]).command.run(export)
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    assert f"in.newtown.{NEW}" not in await admin.list_topics()
    await admin.close()
