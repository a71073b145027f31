"""The service on a real database with two years of random referrals."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import httpx
import pytest_asyncio
from fastapi import FastAPI

from services.evaluation.app import create_app
from services.evaluation.collections import ensure_indexes
from services.evaluation.settings import EvaluationSettings
from shared.delivery.kernel import Kernel
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import load_localities
from tests.harness.evaluation.delivery import deliver_in_one_transaction
from tests.harness.evaluation.example_referrals import ExampleReferral, random_referral
from tests.harness.web.issuer import LoopbackIssuer

NOW: Final = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
REFERRALS: Final = 600
# Claims of a token that is valid at that time.
TODAY: Final = {"iat": int(NOW.timestamp()), "nbf": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 3600}


def random_history(count: int = REFERRALS, days: int = 660) -> list[ExampleReferral]:
    """Referrals in all localities but the sandbox, the same each time."""
    random = Random(7)
    slugs = [locality.slug for locality in load_localities().real]
    return [
        random_referral(
            random, number, random.choice(slugs), NOW - timedelta(days=random.randint(0, days), hours=1)
        )
        for number in range(1, count + 1)
    ]


def app_on(issuer: LoopbackIssuer, kafka: KafkaConnection, mongo_url: str, database: str) -> FastAPI:
    """The service at a fixed time. Its consumers read Meir only."""
    settings = issuer.settings(
        EvaluationSettings,
        **kafka.settings(),
        mongo_url=mongo_url,
        database=database,
        localities="meir",
        demo=True,
    )
    return create_app(settings, clock=lambda: NOW)


@pytest_asyncio.fixture(scope="package")
async def app(issuer: LoopbackIssuer, kafka: KafkaConnection, mongo_url: str) -> AsyncIterator[FastAPI]:
    """The service with its history, shared by all tests, which only read."""
    made = app_on(issuer, kafka, mongo_url, "test_evaluation_figures")
    kernel: Kernel[object, None] = made.state.kernel
    await kernel.mongo.client.drop_database("test_evaluation_figures")
    await ensure_indexes(kernel.mongo)
    for start in range(0, REFERRALS, 200):
        facts = [fact for example in random_history()[start : start + 200] for fact in example.facts]
        await deliver_in_one_transaction(kernel, facts)
    yield made
    await kernel.mongo.close()


@pytest_asyncio.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as asking:
        yield asking
