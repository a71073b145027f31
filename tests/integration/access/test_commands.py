"""`linkwork access`: plan, apply and check, as an operator runs them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from linkwork.__main__ import parse
from linkwork.config import Config
from linkwork.errors import CommandError
from shared.platform.access.cluster import Cluster
from shared.platform.access.declaration import OPERATOR
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import LOCALITIES_FILE


@pytest.fixture
def around(kafka: KafkaConnection) -> Config:
    """The operator's configuration, without a control topic."""
    return Config(
        kafka=kafka,
        mongo_url="mongodb://nowhere",
        localities_file=LOCALITIES_FILE,
        operator="ada",
        control_topic=f"linkwork.control-{uuid4().hex[:10]}.v1",
    )


async def run(words: str, around: Config) -> int:
    return await parse(words.split()).command.run(around)


async def test_plan_apply_and_check_lead_to_a_guarded_bus(
    around: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Cluster(around.kafka) as cluster:
        (broker,) = await cluster.brokers()
        held = await cluster.held(broker)
        # Left by another test of this broker.
        await cluster.remove(held.grants)
        await cluster.until_held((), held.grants)
        await cluster.store_users({}, held.users - {"broker"})
    assert await run("access check", around) == 1
    capsys.readouterr()
    assert await run("access plan --json", around) == 0
    planned: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert "+ user meir.vast-hub" in planned["changes"]
    assert "+ meir.vast-hub write topic in.meir.vast-hub" in planned["changes"]
    with pytest.raises(CommandError, match="say with --passwords"):
        await run("access apply", around)
    folder = tmp_path / "users"
    assert await run(f"access apply --passwords {folder} --json", around) == 0
    assert json.loads(capsys.readouterr().out) == planned
    assert await run("access check", around) == 0
    assert capsys.readouterr().out == f"broker {broker}: as declared\n"
    assert await run("access plan", around) == 0
    assert capsys.readouterr().out == "Nothing to change.\n"

    password = SecretStr((folder / OPERATOR).read_text().strip())
    as_operator = replace(around, kafka=around.kafka.as_user(OPERATOR, password))
    assert await run("access check --no-users", as_operator) == 0
    password = SecretStr((folder / "matching").read_text().strip())
    as_service = replace(around, kafka=around.kafka.as_user("matching", password))
    with pytest.raises(CommandError, match="may not alter the cluster"):
        await run("access check", as_service)
