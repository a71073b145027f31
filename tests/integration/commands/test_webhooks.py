"""`linkwork webhooks`: endpoints of partners, from adding one to sending its events again."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from linkwork.__main__ import parse
from linkwork.config import Config
from linkwork.errors import CommandError
from services.notifications.collections import WEBHOOK_DELIVERIES, ensure_indexes
from services.notifications.webhooks.endpoint import EventToSend, Position
from services.notifications.webhooks.repository import Deliveries, Endpoints
from shared.delivery.mongo.database import Mongo
from shared.delivery.mongo.operations import OPERATIONS
from shared.delivery.rebuild.generations import claim_database
from shared.platform.clock import system_clock
from tests.harness.delivery.toy import Bench
from tests.integration.commands.conftest import Printed

SOURCE, URL = "/meir/vast-hub", "https://hooks.vast-hub.example/linkwork?token=secret"
WHY = ("--why", "asked by mail")
Webhooks = Callable[..., Awaitable[Printed]]


@pytest.fixture
def webhooks(around: Config, capsys: pytest.CaptureFixture[str]) -> Webhooks:
    """Runs `linkwork webhooks`."""

    async def run(*line: str, config: Config = around) -> Printed:
        capsys.readouterr()
        code = await parse(["webhooks", *line]).command.run(config)
        printed = capsys.readouterr()
        return Printed(code, printed.out, printed.err)

    return run


@pytest_asyncio.fixture
async def mongo(place: Bench) -> AsyncIterator[Mongo]:
    """The database of the notifications service, as its first start leaves it."""
    made = Mongo(place.mongo_url, place.options.database)
    await claim_database(made, "notifications")
    await ensure_indexes(made)
    await made.make([OPERATIONS])
    yield made
    await made.close()


async def test_endpoint_is_kept_from_adding_to_removing(mongo: Mongo, webhooks: Webhooks) -> None:
    async def read(*line: str) -> Any:
        done = await webhooks(*line, "--json")
        assert done.code == 0
        return json.loads(done.out)

    added = await read("add", SOURCE, URL, "--kind", "meeting_booked", *WHY)
    endpoint, secret = added["endpoint"], added.pop("secret")
    assert secret.startswith("whsec_")
    assert added["address"] == "https://hooks.vast-hub.example/…"
    assert await read("list") == [added]
    assert await read("list", "--source", "/meir/other") == []
    (disabled,) = await read("disable", endpoint, *WHY)
    assert (disabled["state"], disabled["because"]) == ("disabled", "operator")
    (enabled,) = await read("enable", endpoint, "--from-now", *WHY)
    assert enabled["state"] == "enabled"
    assert (await read("rotate", endpoint, *WHY))["secret"] != secret

    stored = await Endpoints(mongo).get(endpoint)
    assert stored is not None
    events = [EventToSend(f"msg_{n}", "meeting-booked", "meeting_booked", b"{}") for n in range(2)]
    deliveries = Deliveries(mongo)
    await deliveries.enqueue(stored, events, [Position("t", 0, 2)], system_clock())
    for delivery in await deliveries.due(endpoint, [], 2):
        await deliveries.given_up(delivery, "400", system_clock())
    given_up = await read("deliveries", endpoint, "--state", "given_up")
    assert [(each["state"], each["result"], each["attempts"]) for each in given_up] == [
        ("given_up", "400", 1)
    ] * 2
    assert await read("send-again", endpoint, "msg_1", *WHY) == {"events": 1}
    assert await read("send-again", endpoint, "--state", "given_up", *WHY) == {"events": 1}
    assert await mongo[WEBHOOK_DELIVERIES].count_documents({"state": "waiting"}) == 2
    nothing = await webhooks("send-again", endpoint, "--state", "given_up", *WHY)
    assert (nothing.code, nothing.out) == (1, "0 events are sent again.\n")

    await read("remove", endpoint, *WHY)
    assert (await webhooks("list")).out == "No endpoints.\n"
    noted = [(row["what"], row["by"], row["why"]) async for row in mongo[OPERATIONS].find({}).sort("_id", 1)]
    assert noted[0] == ("webhook added", "ada", "asked by mail")
    assert len(noted) == 8


@pytest.mark.usefixtures("mongo")
async def test_tables_show_neither_path_nor_query(webhooks: Webhooks) -> None:
    added = await webhooks("add", SOURCE, URL, *WHY)
    assert "secret   whsec_" in added.out
    listed = await webhooks("list")
    head, row = listed.out.splitlines()
    assert head.split() == ["ENDPOINT", "SOURCE", "ADDRESS", "WANTS", "STATE", "FAILING", "SINCE"]
    assert row.split()[1:5] == [SOURCE, "https://hooks.vast-hub.example/…", "all", "enabled"]
    assert "token" not in added.out + listed.out
    assert (await webhooks("deliveries", row.split()[0])).out == "No events are like that.\n"


@pytest.mark.usefixtures("mongo")
async def test_command_that_cannot_be_is_refused_in_a_sentence(webhooks: Webhooks, around: Config) -> None:
    for line, sentence in (
        (("add", "/meir/booking", URL, *WHY), "no source of a partner"),
        (("add", SOURCE, "http://hooks.vast-hub.example/", *WHY), "must begin with https"),
        (("add", SOURCE, "https://10.0.0.1/", *WHY), "private"),
        (("add", SOURCE, URL, "--kind", "nonsense", *WHY), "A kind is unknown"),
        (("disable", "nothing", *WHY), "no endpoint of this id"),
        (("send-again", "nothing", *WHY), "Say which"),
    ):
        with pytest.raises(CommandError, match=sentence):
            await webhooks(*line)
    with pytest.raises(CommandError, match="LINKWORK_DEAD_LETTER_KEY"):
        await webhooks("add", SOURCE, URL, *WHY, config=replace(around, key=b""))
