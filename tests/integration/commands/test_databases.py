"""The owner of the database that the environment names, and its refusals."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from dataclasses import replace
from pathlib import Path

import pytest
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError

from deploy.local.ports import free_port
from linkwork.__main__ import main
from linkwork.config import Config
from linkwork.databases import database_of
from linkwork.errors import CommandError, database_error
from shared.delivery.dlq.rows import DEAD_LETTERS
from shared.delivery.model.errors import Conflict
from shared.delivery.mongo.database import Mongo
from shared.delivery.rebuild.generations import GENERATIONS, owner_of
from shared.platform.ids import new_id
from tests.harness.delivery.toy import Bench, created, said
from tests.integration.commands.conftest import Console


async def broken(place: Bench) -> None:
    event = said(created(place.locality))
    key = event.body.referral_id.encode()
    await place.producer.send_and_wait(event.topic(), b"{", key=key, headers=event.headers())
    await place.dead_letters(1)


async def test_anothers_database_is_refused_before_anything_is_done(
    place: Bench, letters: Console, around: Config
) -> None:
    async with place.kernel().running() as kernel:
        assert await owner_of(kernel.mongo) == "matching"
        await broken(place)
        for verb in ("replay", "discard", "show"):
            with pytest.raises(CommandError, match="is that of matching, and evaluation was asked for"):
                await letters(verb, "--service", "evaluation", "--why", "by mistake")
        with pytest.raises(CommandError, match=r"run this with the environment of evaluation"):
            await letters("list", "--service", "evaluation")
        assert await kernel.mongo[DEAD_LETTERS].find_one({}) is None
        assert (await letters("discard", "--why", "theirs")).code == 0


async def test_a_database_that_nobody_has_used_is_not_made(
    place: Bench, letters: Console, around: Config
) -> None:
    async with place.kernel().running() as kernel:
        await broken(place)
        nowhere = f"nowhere_{new_id()}"
        with pytest.raises(CommandError, match=f"No service has ever used the database {nowhere}"):
            await letters("discard", "--why", "theirs", around=replace(around, own_database=nowhere))
        assert nowhere not in await kernel.mongo.client.list_database_names()

        await kernel.mongo[GENERATIONS].delete_many({})  # as an earlier version leaves it
        with pytest.raises(CommandError, match="start the service once"):
            await letters("discard", "--why", "theirs")


def test_a_rebuild_asks_whose_database_it_is(
    mongo_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINKWORK_KAFKA_BOOTSTRAP", "nowhere:9092")
    monkeypatch.setenv("LINKWORK_MONGO_URL", mongo_url)
    monkeypatch.setenv("LINKWORK_DATABASE", "linkwork_nowhere")
    assert main(["rebuild", "evaluation", "--why", "figures drifted"]) == 2
    told = capsys.readouterr().err
    assert "No service has ever used the database linkwork_nowhere" in told
    assert "without it linkwork_evaluation is meant" in told


async def test_a_wrong_password_is_called_so(
    place: Bench, letters: Console, around: Config, mongo_url: str
) -> None:
    wrong = mongo_url.replace("mongodb://", "mongodb://ada:in-the-pot@")
    with pytest.raises(CommandError, match="user or password is wrong") as refused:
        await letters("list", around=replace(around, mongo_url=wrong))
    assert "in-the-pot" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    ["http://mongo:27017", "mongodb://ada:in@the@pot", "mongodb://ada:in-the-pot@host:many", "mongodb://"],
)
async def test_an_address_that_cannot_be_read_is_called_so(around: Config, url: str) -> None:
    with pytest.raises(CommandError, match="LINKWORK_MONGO_URL cannot be read") as refused:
        async with database_of(replace(around, mongo_url=url), "matching"):
            pass
    assert "pot" not in str(refused.value)


async def test_a_name_that_no_database_can_have_is_called_so(around: Config) -> None:
    with pytest.raises(CommandError, match="LINKWORK_DATABASE"):
        async with database_of(replace(around, own_database="a b"), "matching"):
            pass


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OperationFailure("not authorized on linkwork_matching as ada", 13), "may not do that"),
        (OperationFailure("ada is not welcome", 20), "refuses (code 20)"),
        (ServerSelectionTimeoutError("ada:pot@host"), "does not answer (ServerSelectionTimeoutError)"),
        (Conflict("written"), "try again"),
    ],
)
def test_database_error_is_reported_in_our_words(error: OperationFailure | Conflict, told: str) -> None:
    sentence = str(database_error("matching", error))
    assert told in sentence
    assert "ada" not in sentence


async def test_a_service_on_anothers_database_ends_with_a_sentence(place: Bench) -> None:
    async with place.kernel().running():
        pass
    variables = {
        "MONGO_URL": place.mongo_url,
        "ENV": "development",
        "DATABASE": place.options.database,
        "PORT": str(free_port()),
    }
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.evaluation"),
        cwd=Path(__file__).parents[3],
        env={"PATH": os.environ["PATH"]}
        | place.kafka.environment()
        | {f"LINKWORK_{name}": value for name, value in variables.items()},
        stderr=PIPE,
    )
    _, said = await asyncio.wait_for(started.communicate(), 30)
    assert started.returncode == 1
    last = said.decode().splitlines()[-1]
    assert last.startswith(f"The database {place.options.database} is that of matching, and evaluation was")


async def test_each_start_writes_down_whose_it_is_and_once(place: Bench) -> None:
    for _ in range(2):
        async with place.kernel().running() as kernel:
            assert await kernel.mongo[GENERATIONS].count_documents({}) == 1
    mongo = Mongo(place.mongo_url, place.options.database)
    assert await owner_of(mongo) == "matching"
    await mongo.close()
