"""Measures the time of the figures over many referrals, by the API and as a page.

The sums are filled through the evaluation service's own store, as its kernel does in each transaction, with
the contributions of invented referrals over two years, in pieces of 50,000. The referrals' documents are left
out: neither the API nor the page reads them.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any, Final

import httpx

from bench.place import Places
from bench.sizes import Size
from bench.statistics import short, summary
from services.evaluation.app import create_app
from services.evaluation.collections import SUMS, ensure_indexes
from services.evaluation.contributions.state import fold_with, to_document
from services.evaluation.settings import EvaluationSettings
from services.evaluation.totals.repository import TotalsRepository
from shared.delivery.interpreter import tune_interpreter
from shared.delivery.kernel import Kernel
from shared.delivery.model.service_definition import Changed
from shared.delivery.mongo.database import Transaction
from shared.platform.ids import new_id
from shared.platform.localities import load_localities
from tests.harness.evaluation.example_referrals import random_referral
from tests.harness.web.issuer import LoopbackIssuer

NOW: Final = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_DIFFERENT, _PIECE, _DAYS = 2_000, 50_000, 660
_ASKED = {"api": "/api/evaluation/v1/figures", "page": "/evaluation/"}


async def measure(size: Size, places: Places, say: Callable[[str], None]) -> dict[str, Any]:
    """Milliseconds of the API's answer and of the page, in one process without a network between.

    `changed` measures the page after one more referral each time, so that no cached figure can be used.
    """
    issuer = LoopbackIssuer()
    issuer.start()
    try:
        async with places() as place:
            settings = issuer.settings(
                EvaluationSettings,
                **place.stores.kafka.settings(),
                mongo_url=place.stores.mongo_url,
                database="bench_evaluation",
                demo=True,
            )
            app = create_app(settings, clock=lambda: NOW)
            kernel: Kernel[Any, Any] = app.state.kernel
            await ensure_indexes(kernel.mongo)
            tune_interpreter()  # The same setting as in the program that starts the kernel.
            began = time.perf_counter()
            await _fill(kernel, size.referrals)
            rows = await kernel.mongo[SUMS].estimated_document_count()
            say(f"{size.referrals} referrals are {rows} rows, in {time.perf_counter() - began:.0f} s")
            claims = {"iat": int(NOW.timestamp()), "nbf": 1, "exp": int(NOW.timestamp()) + 3600}
            who = {"role": "analyst", "localities": [each.slug for each in load_localities().real], **claims}
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app),
                base_url="http://localhost:8080",
                headers=issuer.bearer(**who),
                cookies=issuer.signed_in(app, **who),
            ) as client:
                taken = {name: await _asked(client, path, size.asked) for name, path in _ASKED.items()}
                taken["changed"] = await _asked(client, _ASKED["page"], size.asked, partial(_fill, kernel, 1))
            said = {name: summary(seconds) for name, seconds in taken.items()}
            say("; ".join(f"{name} {short(each)}" for name, each in said.items()))
            await kernel.mongo.close()
    finally:
        issuer.stop()
    return {"referrals": size.referrals, "rows": rows, **said}


async def _asked(
    client: httpx.AsyncClient, path: str, times: int, before_each: Callable[[], Awaitable[None]] | None = None
) -> list[float]:
    taken = []
    for _ in range(times + 1):
        if before_each is not None:
            await before_each()
        began = time.perf_counter()
        answer = await client.get(path)
        answer.raise_for_status()
        taken.append(time.perf_counter() - began)
    return taken[1:]  # the first one compiles templates and fetches keys


async def _fill(kernel: Kernel[Any, Any], count: int) -> None:
    shapes, store = _shapes(min(count, _DIFFERENT)), TotalsRepository()
    for start in range(0, count, _PIECE):
        piece = [
            replace(shapes[number % len(shapes)], referral_id=new_id())
            for number in range(start, min(start + _PIECE, count))
        ]

        async def save(tx: Transaction, piece: Sequence[Changed[Any]] = piece) -> None:
            await store.save(tx, piece, None)

        await kernel.transact(save)


def _shapes(count: int) -> list[Changed[Any]]:
    """Changes of different referrals, over the whole programme and two years. Each may stand for many."""
    random, localities = Random(7), load_localities()
    fold = fold_with(localities)
    slugs = [locality.slug for locality in localities.real]
    shapes = []
    for number in range(1, count + 1):
        start = NOW - timedelta(days=random.randint(0, _DAYS), hours=1)
        tale = random_referral(random, number, random.choice(slugs), start)
        view = fold(tale.facts)
        shapes.append(Changed(tale.locality, tale.referral, None, view, to_document(view), ()))
    return shapes
