"""A database that has just come back, and does not yet know of what set it is a member, is waited for."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.child import Child
from deploy.local.mongo import mongod_path
from deploy.local.ports import LOOPBACK, free_port, is_open
from deploy.local.reaper import Reaper
from shared.delivery.model.errors import Transient
from shared.delivery.mongo.database import Mongo, Transaction


@pytest_asyncio.fixture
async def returning(tmp_path: Path) -> AsyncIterator[str]:
    """The address of a member that answers and has no session to give: so it is when it has just started."""
    port, data = free_port(), tmp_path / "data"
    data.mkdir()
    reaper = Reaper()
    reaper.start()
    command = [mongod_path(), "--dbpath", str(data), "--replSet", "linkwork", "--port", str(port)]
    child = Child("mongod", [*command, "--bind_ip", LOOPBACK], log=tmp_path / "log", reaper=reaper)
    child.start()
    while not is_open(port):
        await asyncio.sleep(0.05)
    yield f"mongodb://{LOOPBACK}:{port}/?directConnection=true"
    await child.stop()
    reaper.close()


async def test_batch_while_member_has_no_session_loses_no_record(returning: str) -> None:
    mongo = Mongo(returning, "anything")

    async def work(tx: Transaction) -> None:
        await tx["something"].insert_one({"_id": 1}, session=tx.session)

    try:
        with pytest.raises(Transient):
            await mongo.transact(work)
    finally:
        await mongo.close()
