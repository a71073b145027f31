"""A replica set of one node: made once, and configured again if its address has changed."""

import asyncio
from collections.abc import Callable
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

REPLICA_SET = "linkwork"
NOT_YET_INITIALISED = 94


async def become_primary(host: str, port: int, *, check_alive: Callable[[], None]) -> None:
    """Waits until the mongod at `host:port`, started with this set's name, accepts writes.

    Calls `check_alive`, which may raise, between attempts. Has no deadline of its own.
    """
    address = f"{host}:{port}"
    async with AsyncMongoClient[dict[str, Any]](
        host, port, directConnection=True, serverSelectionTimeoutMS=100
    ) as client:
        configured = False
        while True:
            check_alive()
            try:
                if not configured:
                    await _configure(client, address)
                    configured = True
                if (await client.admin.command("hello"))["isWritablePrimary"]:
                    return
            except PyMongoError:
                pass  # Not listening, or between two states: tried again until the caller's deadline.
            await asyncio.sleep(0.05)


async def _configure(client: AsyncMongoClient[dict[str, Any]], address: str) -> None:
    """Configures the set.

    A node outside its own configuration is never primary, so a new port is forced in.
    """
    try:
        config = (await client.admin.command("replSetGetConfig"))["config"]
    except OperationFailure as failure:
        if failure.code != NOT_YET_INITIALISED:
            raise
        first = {"_id": REPLICA_SET, "members": [{"_id": 0, "host": address}]}
        await client.admin.command("replSetInitiate", first)
        return
    if config["members"][0]["host"] != address:
        config["members"][0]["host"] = address
        config["version"] += 1
        await client.admin.command("replSetReconfig", config, force=True)
