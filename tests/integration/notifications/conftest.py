"""Fixtures of the service's tests: fake peers, a clock that the test moves, and settings."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.notifications.settings import NotificationsSettings
from tests.harness.notifications.facts import NOW
from tests.harness.notifications.fake_peers import FakePeers, fake_peers


@dataclass
class FakeClock:
    """A clock that the test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest_asyncio.fixture
async def peers(tmp_path: Path, clock: FakeClock) -> AsyncIterator[FakePeers]:
    async with fake_peers(tmp_path, clock) as standing:
        yield standing


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


def settings_for(peers: FakePeers, **more: Any) -> NotificationsSettings:
    """Settings of a service among these peers."""
    values: dict[str, Any] = {
        "env": "development",
        "smtp_host": "127.0.0.1",
        "smtp_port": peers.smtp_port,
        "sms_url": f"{peers.address}/dev/sms",
        "referral_url": peers.address,
        "matching_url": peers.address,
        "token_url": f"{peers.address}/token",
        "public_url": "http://localhost:8080",
    }
    return NotificationsSettings(**(values | more))
