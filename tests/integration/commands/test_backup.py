"""`linkwork backup`: databases of one moment, archives that are whole or refused, all restored or nothing."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyrage
import pytest
import pytest_asyncio
from bson import Timestamp
from pymongo.errors import OperationFailure

from linkwork.__main__ import main, parse
from linkwork.backup import restoring, snapshot
from linkwork.config import Config
from linkwork.errors import CommandError
from services.referral.collections import KEYS, SESSIONS
from shared.contract.events.topics import PARTS, Part
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.mongo.operations import OPERATIONS
from shared.delivery.ownership.standing import OWNERSHIP, first_document
from shared.delivery.restored.marker import begin_restore
from shared.platform.clock import system_clock
from shared.platform.errors import CannotStart
from tests.harness.delivery.backups import BackUps
from tests.harness.delivery.toy import TOY, Bench

COUNTED = "counted"
Run = Callable[..., Awaitable[tuple[int, str]]]


@pytest_asyncio.fixture
async def four(place: Bench, tmp_path: Path) -> AsyncIterator[BackUps]:
    names: dict[Part, str] = {part: f"{place.options.database}_{part}" for part in PARTS}
    async with BackUps(place.mongo_url, names, tmp_path) as made:
        await made.claim()
        yield made


@pytest.fixture
def run(around: Config, four: BackUps, capsys: pytest.CaptureFixture[str]) -> Run:
    config = replace(around, own_database="", databases=four.databases)

    async def run(*line: str | Path) -> tuple[int, str]:
        command = parse(["backup", *map(str, line)]).command
        capsys.readouterr()
        return await command.run(config), capsys.readouterr().out

    return run


async def created(run: Run, four: BackUps) -> tuple[Path, Path]:
    """The archives of a new back-up."""
    code, out = await run("create", four.folder, "--to", four.public_key, "--json")
    assert code == 0
    files = {each["manifest"]["kind"]: Path(each["file"]) for each in json.loads(out)}
    return files["data"], files["keys"]


async def fill(four: BackUps) -> None:
    for mongo in four.stores.values():
        await mongo.database[COUNTED].insert_many([{"_id": -n, "text": "x" * 500} for n in range(1, 3000)])
    referral = four.stores["referral"].database
    await referral[KEYS].insert_one({"_id": "person", "wrapped": b"sealed"})
    await referral[SESSIONS].insert_one({"_id": "session"})
    await referral[OWNERSHIP].insert_one(first_document(("meir", "referral")))


@asynccontextmanager
async def written_together(four: BackUps) -> AsyncIterator[list[int]]:
    """Transactions meanwhile, each of which writes into all databases."""
    first, done = four.stores["referral"], list[int]()

    async def write() -> None:
        while True:
            number = len(done) + 1

            async def work(tx: Transaction, number: int = number) -> None:
                for name in four.databases.values():
                    await first.client[name][COUNTED].insert_one({"_id": number}, session=tx.session)

            await first.transact(work)
            done.append(number)

    writing = asyncio.create_task(write())
    try:
        yield done
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def counted(mongo: Mongo) -> set[int]:
    return {row["_id"] async for row in mongo.database[COUNTED].find({}, {"_id": 1})}


async def everything(four: BackUps) -> list[list[str]]:
    return [await mongo.database.list_collection_names() for mongo in four.stores.values()]


async def test_databases_are_restored_as_of_one_moment(run: Run, four: BackUps) -> None:
    await fill(four)
    async with written_together(four) as done:
        while len(done) < 5:
            await asyncio.sleep(0.01)
        data, keys = await created(run, four)
        assert len(done) > 5, "nothing was written meanwhile"
    identity = four.identity_file()
    code, out = await run("verify", data, keys, "--identity", identity, "--json")
    assert code == 0
    of_data, of_keys = (each["manifest"] for each in json.loads(out))
    assert of_data["id"] == of_keys["id"]
    assert of_data["cluster_time"] == of_keys["cluster_time"]
    assert [each["name"] for each in of_keys["collections"]] == [KEYS]
    assert {KEYS, SESSIONS}.isdisjoint(each["name"] for each in of_data["collections"])
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in (data, keys))
    assert b"sealed" not in keys.read_bytes()

    await four.lose()
    code, out = await run("restore", data, "--keys", keys, "--identity", identity, "--why", "the disk failed")
    assert code == 0
    found = [await counted(mongo) for mongo in four.stores.values()]
    assert found == [found[0]] * 4, "the databases are of different moments"
    last = max(found[0])
    assert last >= 5
    assert found[0] == set(range(-2999, 0)) | set(range(1, last + 1))
    referral = four.stores["referral"].database
    assert await referral[KEYS].find_one() == {"_id": "person", "wrapped": b"sealed"}
    assert await referral[SESSIONS].count_documents({}) == 0
    assert [set(await referral[name].index_information()) for name in (COUNTED, KEYS)] == [{"_id_"}] * 2
    standing = await referral[OWNERSHIP].find_one()
    assert standing is not None
    assert (standing["held"], standing["decided"], standing["decides"]) == (True, True, False)
    for mongo in four.stores.values():
        (noted,) = await mongo.database[OPERATIONS].find().to_list(None)
        assert (noted["what"], noted["by"], noted["why"]) == ("database restored", "ada", "the disk failed")
    with pytest.raises(CommandError, match="is not empty"):
        await run("restore", data, "--keys", keys, "--identity", identity, "--why", "again")


async def test_archive_that_is_not_whole_is_refused(run: Run, four: BackUps) -> None:
    await fill(four)
    data, keys = await created(run, four)
    await four.lose()
    whole, identity = data.read_bytes(), four.identity_file()
    middle = len(whole) // 2
    damaged = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    cases = [(damaged, "it is damaged"), (whole[:-1], "it is damaged"), (whole[:-70_000], "it is damaged")]
    cases += [(b"no archive", "no file of age"), (pyrage.encrypt(b"", [four.key.to_public()]), "too soon")]
    for content, reason in cases:
        data.write_bytes(content)
        code, out = await run("verify", data, "--identity", identity)
        assert code == 1
        assert reason in out
        code, out = await run("restore", data, "--keys", keys, "--identity", identity, "--why", "try")
        assert code == 1
        assert "Nothing was restored" in out
    data.write_bytes(whole)
    strangers = four.identity_file(pyrage.x25519.Identity.generate())
    code, out = await run("verify", data, keys, "--identity", strangers)
    assert code == 1
    assert out.count("none of the identities opens it") == 2
    assert await everything(four) == [[]] * 4


async def test_archives_of_two_backups_are_not_mixed(run: Run, four: BackUps, tmp_path: Path) -> None:
    _, keys = await created(run, four)
    data, _ = await created(run, four)
    identity = four.identity_file()
    for files, reason in (([data, "--keys", keys], "different back-ups"), ([keys, "--keys", data], "first")):
        with pytest.raises(CommandError, match=reason):
            await run("restore", *files, "--identity", identity, "--why", "try")
    with pytest.raises(SystemExit):
        await run("restore", data, "--identity", identity, "--why", "neither --keys nor --without-keys")


async def test_failed_restore_leaves_the_databases_empty(
    run: Run, four: BackUps, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(four)
    data, keys = await created(run, four)
    line = ("restore", data, "--keys", keys, "--identity", four.identity_file(), "--why", "try")
    await four.lose()

    async def fails(*_: Any) -> None:
        raise OSError("a cable was cut")

    with monkeypatch.context() as patch:
        patch.setattr(restoring, "end_restore", fails)
        with pytest.raises(CommandError, match="the databases are empty again"):
            await run(*line)
    assert await everything(four) == [[]] * 4


async def test_restore_that_died_is_begun_anew(run: Run, four: BackUps, place: Bench) -> None:
    await fill(four)
    data, keys = await created(run, four)
    await four.lose()
    half = four.stores["matching"]
    await begin_restore(half, system_clock())
    await half.database[COUNTED].insert_one({"_id": 10_000})
    options = replace(place.options, database=four.databases["matching"])
    kernel = Kernel(TOY, options, [place.locality])
    with pytest.raises(CannotStart, match="half restored"):
        await kernel.start()
    await kernel.mongo.close()
    line = ("restore", data, "--keys", keys, "--identity", four.identity_file(), "--why", "again")
    assert (await run(*line))[0] == 0
    assert await counted(half) == set(range(-2999, 0))


async def test_backup_across_changes_of_collections_keeps_nothing(
    run: Run, four: BackUps, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ("create", four.folder, "--to", four.public_key)
    pages = snapshot.Snapshot.pages

    def before_they_were_made(
        self: snapshot.Snapshot, service: Part, name: str
    ) -> AsyncIterator[list[bytes]]:
        self._at = Timestamp(self._at.time - 7200, 1)
        return pages(self, service, name)

    async def meanwhile(self: snapshot.Snapshot, service: Part, name: str) -> AsyncIterator[list[bytes]]:
        await four.stores["evaluation"].make(["new"])
        async for page in pages(self, service, name):
            yield page

    for changed, reason in ((before_they_were_made, "made meanwhile"), (meanwhile, "came or went")):
        with monkeypatch.context() as patch:
            patch.setattr(snapshot.Snapshot, "pages", changed)
            with pytest.raises(CommandError, match=reason):
                await run(*line)
        assert list(four.folder.iterdir()) == []


def test_backup_that_takes_too_long_says_what_to_do() -> None:
    refusal = snapshot._refusal(OperationFailure("SnapshotTooOld", 239))
    assert "Say --history" in str(refusal)


async def test_history_is_kept_for_the_time_of_the_backup(
    run: Run, four: BackUps, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, asked = four.stores["referral"].client.admin, {"getParameter": 1, snapshot._HISTORY: 1}
    before, seen = (await admin.command(asked))[snapshot._HISTORY], []
    collections = snapshot._collections

    async def seeing(*args: Any) -> snapshot.Found:
        seen.append((await admin.command(asked))[snapshot._HISTORY])
        return await collections(*args)

    monkeypatch.setattr(snapshot, "_collections", seeing)
    await run("create", four.folder, "--to", four.public_key, "--history", "900")
    assert set(seen) == {900}
    assert (await admin.command(asked))[snapshot._HISTORY] == before


async def test_keys_of_age_and_files_are_named_if_wrong(run: Run, four: BackUps, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no public key"):
        await run("create", four.folder, "--to", "nonsense")
    with pytest.raises(CommandError, match="at least one"):
        await run("create", four.folder)
    with pytest.raises(CommandError, match="Nothing was kept"):
        await run("create", tmp_path / "nowhere", "--to", four.public_key)
    recipients = tmp_path / "recipients.txt"
    recipients.write_text(f"# the vault\n{four.public_key}\n")
    code, _ = await run("create", four.folder, "--recipients", recipients)
    assert code == 0
    recipients.write_text("nonsense")
    with pytest.raises(CommandError, match="no private key"):
        await run("verify", recipients, "--identity", recipients)


def test_archives_are_verified_where_no_store_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LINKWORK_MONGO_URL", raising=False)
    key = pyrage.x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(str(key))
    (tmp_path / "old.age").write_bytes(pyrage.encrypt(b"", [key.to_public()]))
    assert main(["backup", "verify", "old.age", "--identity", "key.txt"]) == 1
    assert "too soon" in capsys.readouterr().out
    assert main(["backup", "verify", "gone.age", "--identity", "key.txt"]) == 2
