"""The proxy in the middle: passes everything on in order, and cuts, delays and resets."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from chaos.proxy import Proxy
from deploy.local.ports import LOOPBACK, free_port

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """Before a server that says everything again."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionResetError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, LOOPBACK, 0)
    made = Proxy(free_port(), server.sockets[0].getsockname()[1])
    await made.start()
    yield made
    await made.stop()
    server.close()


async def opened(proxy: Proxy) -> Streams:
    return await asyncio.open_connection(LOOPBACK, proxy.port)


async def test_proxy_keeps_order_when_a_delay_begins_and_ends(proxy: Proxy) -> None:
    reader, writer = await opened(proxy)
    sent = b"".join(f"{number:06d}".encode() for number in range(3000))
    for start in range(0, len(sent), 600):
        proxy.delay = 0.02 if start % 1800 else 0.0
        writer.write(sent[start : start + 600])
        await asyncio.sleep(0.001)
    assert await asyncio.wait_for(reader.readexactly(len(sent)), 10) == sent
    writer.close()


async def test_a_delay_holds_up_each_way(proxy: Proxy) -> None:
    reader, writer = await opened(proxy)
    writer.write(b"a")
    await asyncio.wait_for(reader.readexactly(1), 10)
    proxy.delay = 0.1
    began = time.monotonic()
    writer.write(b"a")
    await asyncio.wait_for(reader.readexactly(1), 10)
    assert time.monotonic() - began >= 0.2
    writer.close()


async def test_nothing_passes_while_it_is_cut_and_then_connections_end(proxy: Proxy) -> None:
    reader, writer = await opened(proxy)
    writer.write(b"a")
    await asyncio.wait_for(reader.readexactly(1), 10)
    proxy.cut = True
    writer.write(b"b")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(1), 0.2)
    proxy.cut = False
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(1), 10)
    writer.close()


async def test_a_reset_ends_connections_and_new_ones_pass(proxy: Proxy) -> None:
    reader, writer = await opened(proxy)
    writer.write(b"a")
    await asyncio.wait_for(reader.readexactly(1), 10)
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(1), 10)
    writer.close()
    again, writer = await opened(proxy)
    writer.write(b"c")
    assert await asyncio.wait_for(again.readexactly(1), 10) == b"c"
    writer.close()
