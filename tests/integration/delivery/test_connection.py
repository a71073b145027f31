"""Connections to the broker that are gone before anybody has noticed."""

import asyncio
from typing import Any

import pytest
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from tests.harness.delivery.toy import Bench


async def test_send_on_closed_connection_raises_connection_error(place: Bench) -> None:
    assert type(asyncio.get_running_loop()).__module__.startswith("uvloop"), "which services run on"
    arguments = place.kafka.client_arguments()
    host, _, port = arguments.pop("bootstrap_servers").partition(":")
    connection: Any = await create_conn(host, int(port), **arguments)
    waits = asyncio.ensure_future(connection.send(MetadataRequest([])))
    connection._writer.transport.abort()
    await asyncio.sleep(0)
    with pytest.raises(KafkaConnectionError):
        await connection.send(MetadataRequest([]))
    with pytest.raises(KafkaConnectionError):
        await waits
    assert not connection.connected(), "the next one asks for another connection"
