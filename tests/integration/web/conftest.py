"""The sample service, believing the test issuer."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from shared.platform.web.settings import ServiceSettings
from tests.harness.web.forms import browser
from tests.harness.web.issuer import LoopbackIssuer
from tests.harness.web.sample import sample_app


@pytest.fixture(scope="session")
def app(issuer: LoopbackIssuer) -> FastAPI:
    return sample_app(issuer.settings(ServiceSettings))


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at the sample service, nobody signed in."""
    async with browser(app) as client:
        yield client
