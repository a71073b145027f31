"""`linkwork keys`: what each key holds in all databases, and its rotation under the services' eyes."""

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import orjson
import pytest
import pytest_asyncio

from linkwork.__main__ import parse
from linkwork.config import Config
from linkwork.errors import CommandError
from services.matching.collections import SERVICES
from services.matching.directory.feed.model import Service
from services.matching.directory.feed.reader import read_directory
from services.matching.provider.mailboxes import Mailboxes
from services.notifications.collections import WEBHOOK_ENDPOINTS
from services.notifications.webhooks.sealing import CannotUnseal, Sealing
from services.referral.collections import ensure_indexes
from shared.contract.events.topics import PARTS, Part
from shared.delivery.dlq.dead_letters import DeadLetter, DeadLetters
from shared.delivery.dlq.rows import DEAD_LETTERS, asked_row
from shared.delivery.mongo.database import Mongo
from shared.delivery.mongo.keys_in_use import note_keys
from shared.delivery.mongo.operations import OPERATIONS
from shared.delivery.rebuild.generations import claim_database
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.key_ring import KeyRing
from shared.platform.localities import LOCALITIES_FILE
from tests.harness.delivery.broker import Record
from tests.harness.feed.records import lunch_club
from tests.harness.referral.people import nhs_number
from tests.harness.referral.vaults import details, refer, vault

OLD, NEW = "b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xkLW9sZC0=", "bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3LW5ldy0="
BOTH = f"{NEW},{OLD}"
ADDRESS = "desk@lunch.example.org"


@dataclass
class Programme:
    """The databases of four services whose keys are all the old one, with something under each."""

    config: Config
    databases: dict[Part, Mongo]
    service: Service

    def listing(self, keys: str) -> Config:
        """The console with this list for every key."""
        names = ("master_key", "session_key", "magic_link_key")
        return replace(self.config, key=keys.encode(), keys=dict.fromkeys(names, keys))

    def mailboxes(self, keys: str) -> Mailboxes:
        return Mailboxes(self.databases["matching"], keys, system_clock, new_id, invented=False)

    async def start(self, keys: str) -> None:
        """Notes what the services note when they start with this list."""
        raw = [base64.b64decode(each) for each in keys.split(",")]
        referral, now = self.databases["referral"], system_clock()
        await note_keys(referral, "master", vault(*raw).masters.ids, now)
        await note_keys(referral, "index", vault(*raw).index_keys.ids, now)
        await note_keys(referral, "session", KeyRing.of(keys).ids, now, timedelta(hours=9))
        await note_keys(self.databases["matching"], "link", KeyRing.of(keys).ids, now, timedelta(days=28))
        for part, mongo in self.databases.items():
            await note_keys(mongo, "dead_letter", DeadLetters(part, keys.encode()).key_ids, now)


@pytest_asyncio.fixture
async def programme(kafka: KafkaConnection, mongo_url: str) -> AsyncIterator[Programme]:
    names = {part: f"keys_{part}_{new_id()[-8:]}" for part in PARTS}
    config = Config(kafka, mongo_url, LOCALITIES_FILE, operator="ada", databases=names)
    document = orjson.dumps({"contents": [lunch_club(email=ADDRESS)]})
    (service,) = read_directory(document, "test", date(2026, 11, 30)).services
    made = Programme(config, {part: Mongo(mongo_url, name) for part, name in names.items()}, service)
    for part, mongo in made.databases.items():
        await claim_database(mongo, part)
    await ensure_indexes(made.databases["referral"])
    await made.start(OLD)
    await _fill(made)
    yield made
    for mongo in made.databases.values():
        await mongo.client.drop_database(mongo.database.name)
        await mongo.close()


async def _fill(made: Programme) -> None:
    for _ in range(3):
        await refer(made.databases["referral"], vault(base64.b64decode(OLD)), details(nhs_number()))
    matching, service = made.databases["matching"], made.service
    row = {"_id": service.id, "service": {"name": service.name, "email": ADDRESS}, "gone": False}
    await matching[SERVICES].insert_one(row)
    wanted = await made.mailboxes(OLD).want(service)
    assert wanted is not None
    await made.mailboxes(OLD).confirm(wanted.token)
    sealing = Sealing(OLD.encode())
    sealed = {"url": sealing.seal("https://x.example/in", "one"), "secrets": []}
    await made.databases["notifications"][WEBHOOK_ENDPOINTS].insert_one({"_id": "one", **sealed})
    letter = DeadLetters("matching", OLD.encode()).seal(DeadLetter(RECORD, "bad_json"))
    asked = asked_row("matching", letter, "ask", system_clock(), "ada", "a test")
    await matching[DEAD_LETTERS].insert_one({"_id": RECORD.place, **asked})


RECORD = Record("meir.referral-created.v1", 0, 17, b"key", b"value", ())


@dataclass
class Console:
    """Runs `linkwork keys` and reads its JSON."""

    capsys: pytest.CaptureFixture[str]

    async def run(self, config: Config, *words: str) -> tuple[int, Any]:
        self.capsys.readouterr()
        code = await parse(["keys", *words, "--json"]).command.run(config)
        said = self.capsys.readouterr().out
        for key in (OLD, NEW, base64.b64decode(OLD).decode(), base64.b64decode(NEW).decode()):
            assert key not in said
        return code, json.loads(said)

    async def held(self, config: Config) -> tuple[int, dict[tuple[str, str, str], int]]:
        """The exit code of `status`, and counts by purpose, id and things."""
        code, said = await self.run(config, "status")
        keys = said["keys"]
        return code, {(k["purpose"], k["key"], k["things"]): k["count"] for k in keys if k["count"]}


@pytest.fixture
def console(capsys: pytest.CaptureFixture[str]) -> Console:
    return Console(capsys)


async def test_rotation_moves_all_to_the_newest_key(programme: Programme, console: Console) -> None:
    both = programme.listing(BOTH)
    code, before = await console.held(programme.listing(OLD))
    assert code == 0
    old, new = KeyRing.of(OLD).newest.id, KeyRing.of(NEW).newest.id
    assert before["link", old, "mailboxes"] == 1
    assert before["dead_letter", old, "letters waiting for a replay"] == 1
    assert before["dead_letter", old, "addresses and secrets of endpoints"] == 1
    await programme.start(BOTH)
    assert (await console.held(both))[0] == 1
    code, said = await console.run(both, "rotate", "--why", "a test")
    assert sum(each["done"] for each in said["rotated"]) == 3 + 3 + 1 + 1 + 1
    _, after = await console.held(both)
    assert {key for purpose, key, _ in after if purpose in ("link", "dead_letter")} == {new}
    await programme.start(NEW)
    alone = programme.listing(NEW)
    await console.run(alone, "rotate", "--why", "a test")
    code, last = await console.held(alone)
    assert {key for _, key, _ in last} & {old, vault(base64.b64decode(OLD)).masters.newest} == set()
    assert programme.service.id in await programme.mailboxes(NEW).usable([programme.service])
    row = await programme.databases["notifications"][WEBHOOK_ENDPOINTS].find_one({"_id": "one"})
    assert row is not None
    assert Sealing(NEW.encode()).unseal(row["url"], "one") == "https://x.example/in"
    with pytest.raises(CannotUnseal):
        Sealing(OLD.encode()).unseal(row["url"], "one")
    noted = await programme.databases["referral"][OPERATIONS].find_one({"about.purpose": "master"})
    assert noted is not None
    assert (noted["by"], noted["why"], noted["about"]["done"]) == ("ada", "a test", 3)


async def test_a_limit_is_kept_and_the_next_run_goes_on(programme: Programme, console: Console) -> None:
    await programme.start(BOTH)
    both = programme.listing(BOTH)
    for left in (2, 1, 0):
        code, _ = await console.run(both, "rotate", "--why", "a test", "--limit", "1")
        _, held = await console.held(both)
        assert held.get(("master", vault(base64.b64decode(OLD)).masters.newest, "people"), 0) == left
    assert code == 0


async def test_nothing_moves_to_a_key_that_no_service_has(programme: Programme, console: Console) -> None:
    _, before = await console.held(programme.listing(BOTH))
    with pytest.raises(CommandError, match="give its processes this list first"):
        await console.run(programme.listing(BOTH), "rotate", "--why", "too early")
    assert (await console.held(programme.listing(BOTH)))[1] == before


async def test_cookies_and_links_keep_a_key_needed_until_they_end(
    programme: Programme, console: Console
) -> None:
    await programme.start(BOTH)
    code, said = await console.run(programme.listing(BOTH), "status")
    assert code == 1
    until = {each["purpose"]: each["outside_until"] for each in said["keys"] if each["outside_until"]}
    assert set(until) == {"session", "link"}
    ends = datetime.fromisoformat(until["session"]) - system_clock()
    assert timedelta(hours=8) < ends <= timedelta(hours=9)


async def test_what_is_not_set_is_told_and_left_alone(programme: Programme, console: Console) -> None:
    config = replace(programme.listing(OLD), keys={})
    code, said = await console.run(config, "status")
    assert code == 0
    assert {each["purpose"] for each in said["keys"]} == {"dead_letter"}
    for name in ("LINKWORK_MASTER_KEY", "LINKWORK_SESSION_KEY", "LINKWORK_MAGIC_LINK_KEY"):
        assert any(name in sentence for sentence in said["not_looked_at"])


async def test_status_is_a_table_for_people(programme: Programme, capsys: pytest.CaptureFixture[str]) -> None:
    assert await parse(["keys", "status"]).command.run(programme.listing(OLD)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["SERVICE", "KEY", "ID", "USE", "HOLDS", "LEFT"]
    assert any("3 people" in line and "writes" in line for line in lines)
