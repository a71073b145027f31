"""The referral service for these tests: started once, with people of each test's own."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shared.platform.kafka_connection import KafkaConnection
from tests.harness.pages.serving import serving
from tests.harness.referral.matching_stub import MatchingStub, matching_stub
from tests.harness.referral.running import ReferralHarness, running_referral
from tests.harness.web.issuer import LoopbackIssuer


@pytest_asyncio.fixture(scope="package")
async def matching() -> AsyncIterator[MatchingStub]:
    """A stand-in for matching."""
    async with matching_stub() as standing:
        yield standing


@pytest_asyncio.fixture(scope="package")
async def referral(
    issuer: LoopbackIssuer,
    kafka: KafkaConnection,
    mongo_url: str,
    matching: MatchingStub,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[ReferralHarness]:
    folder = tmp_path_factory.mktemp("referral")
    more: dict[str, Any] = {
        "matching_url": matching.address,
        "notifications_url": matching.address,
        "evaluation_url": matching.address,
        "token_url": f"{matching.address}/token",
        "session_timeout_ms": 3000,
        "booking_wait_seconds": 0.5,  # Only the tests book here.
    }
    async with running_referral(folder, issuer, kafka, mongo_url, **more) as started:
        yield started


@pytest_asyncio.fixture(scope="package")
async def address(referral: ReferralHarness) -> AsyncIterator[str]:
    """The address of the service's pages."""

    # The service runs already, so only its pages need a port.
    async def pages(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        await referral.app(scope, receive, send)

    async with serving(pages) as at:  # type: ignore[arg-type]  # an ASGI application of three lines
        yield at
