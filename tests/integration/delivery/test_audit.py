"""A person's command writes one audit entry in its transaction; the sealer chains entries beside it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from shared.contract.events import vocabulary as v
from shared.contract.events.outcomes import ReferralClosed
from shared.contract.history import ReferralHistory
from shared.delivery.audit.sealer import ForeignPage, SealRotation
from shared.delivery.audit.trail import AUDIT, AUDIT_PAGES
from shared.delivery.audit.verification import verify
from shared.delivery.kernel import Kernel
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.model.errors import Transient
from shared.delivery.model.service_definition import Changed, NoRepository
from shared.delivery.mongo.database import Transaction
from shared.delivery.unit_of_work.commands import Idempotency
from shared.platform.ids import new_id
from shared.platform.key_ring import KeyRing
from shared.platform.web.audit import Change
from shared.platform.web.principal import Principal
from tests.harness.delivery.asked import Commands
from tests.harness.delivery.toy import TOY, Bench, created, missed

CALLER = Principal("lw-1", "link_worker")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
QUIET = replace(TOY, tasks={}, decisions={})


def close(story: ReferralHistory, _: object, context: DecisionContext) -> Decision:
    closed = ReferralClosed(
        referral_id=context.referral_id, locality=context.locality, reason=v.CloseReason.DIED
    )
    return Decision([closed])


class Refuses(NoRepository):
    async def save(self, tx: Transaction, changes: Sequence[Changed[Any]], resources: None) -> None:
        raise Transient("the last write fails")


@pytest_asyncio.fixture
async def kernel(place: Bench) -> AsyncIterator[Kernel[ReferralHistory, None]]:
    async with place.kernel(QUIET).running() as running:
        yield running


def change(action: str = "close") -> Change:
    return Change(CALLER, action, actor="0a1b2c")


async def entries(kernel: Kernel[Any, Any]) -> list[dict[str, Any]]:
    return [dict(row) async for row in kernel.mongo[AUDIT].find({}).sort("_id", 1)]


async def make(kernel: Kernel[Any, Any], locality: str) -> str:
    body = created(locality)
    await kernel.command(locality, body.referral_id, lambda *_: Decision([body]))
    return body.referral_id


async def test_command_writes_one_entry_with_actor_and_codes(kernel: Kernel[Any, Any], place: Bench) -> None:
    referral = await make(kernel, place.locality)
    done = await kernel.command(place.locality, referral, close, change=change())
    (entry,) = await entries(kernel)
    expected = {
        "kind": "change",
        "caller": "lw-1",
        "role": "link_worker",
        "actor": "0a1b2c",
        "action": "close",
        "subject_ref": referral,
        "locality": place.locality,
        "codes": ["referral_closed", "reason=died"],
        "times": 1,
    }
    assert {name: entry[name] for name in expected} == expected
    assert [fact.kind for fact in done.facts] == ["referral_closed"]


async def test_repeated_command_writes_no_second_entry(kernel: Kernel[Any, Any], place: Bench) -> None:
    referral, once = await make(kernel, place.locality), Idempotency("lw-1", "close", "k", b"d")
    for _ in range(2):
        await kernel.command(place.locality, referral, close, change=change(), idempotency=once)
    assert len(await entries(kernel)) == 1


async def test_failed_command_leaves_no_entry(place: Bench) -> None:
    async with place.kernel(replace(QUIET, repository=Refuses())).running() as kernel:
        with pytest.raises(Transient):
            await kernel.command(place.locality, new_id(), close, change=change())
        assert await entries(kernel) == []

        async def fails(tx: Transaction) -> None:
            await tx["days"].insert_one({"_id": "one"}, session=tx.session)
            raise Transient("away")

        async def changes_nothing(_: Transaction) -> bool:
            return False

        with pytest.raises(Transient):
            await kernel.transact(fails, change=change("open_day"))
        await kernel.transact(changes_nothing, change=change("open_day"))
        assert await entries(kernel) == []


async def test_entry_costs_one_statement(commands: Commands, place: Bench) -> None:
    async with place.kernel(QUIET).running() as kernel:
        for _ in range(2):  # The first makes slots.
            referral = await make(kernel, place.locality)
            commands.asked.clear()
            await kernel.command(place.locality, referral, close, change=change())
        (command,) = [each for each in commands.transactions() if "insert idempotency" in each]
        assert command == [
            "find referrals",
            "insert audit",
            "update referrals",
            "insert outbox",
            "update ownership",
            "insert idempotency",
            "commitTransaction",
        ]
        commands.asked.clear()
        await kernel.command(place.locality, referral, _miss)  # An automatic one has no entry.
        (command,) = [each for each in commands.transactions() if "insert idempotency" in each]
        assert "insert audit" not in command


def _miss(story: ReferralHistory, _: object, context: DecisionContext) -> Decision:
    return Decision([missed(context.locality, context.referral_id, new_id())])


async def test_sealer_chains_what_is_committed(kernel: Kernel[Any, Any], place: Bench) -> None:
    keys = KeyRing.of(place.options.dead_letter_key)
    referral = await make(kernel, place.locality)
    for _ in range(2):
        for _ in range(3):
            await kernel.command(place.locality, referral, close, change=change())
        assert await kernel._sealer.seal() == 3
    assert await kernel._sealer.seal() == 0
    verdict = await verify(kernel.mongo, "matching", keys, LONG_AGO)
    assert (verdict.faults, verdict.pages, verdict.entries) == ([], 2, 6)
    assert [row.get("open") for row in await entries(kernel)] == [None] * 6

    first, second = (await entries(kernel))[:2]
    await kernel.mongo[AUDIT].delete_one({"_id": first["_id"]})
    await kernel.mongo[AUDIT].update_one({"_id": second["_id"]}, {"$set": {"caller": "lw-2"}})
    inserted = [{**second, "_id": "x", "page": 2}, {**second, "_id": "y", "page": 99}]
    await kernel.mongo[AUDIT].insert_many([*inserted, {"_id": "z", "at": second["at"]}])
    found = await verify(kernel.mongo, "matching", keys, LONG_AGO, verdict.checkpoint)
    assert sorted((fault.code, fault.where) for fault in found.faults) == [
        ("entry_changed", second["_id"]),
        ("entry_inserted", "x"),
        ("entry_inserted", "y"),
        ("entry_inserted", "z"),
        ("entry_removed", first["_id"]),
    ]
    await kernel.mongo[AUDIT_PAGES].delete_one({"_id": 2})
    assert "cut_off" in {
        fault.code
        for fault in (await verify(kernel.mongo, "matching", keys, LONG_AGO, verdict.checkpoint)).faults
    }


async def test_refusals_are_stored_and_sealed(kernel: Kernel[Any, Any]) -> None:
    for _ in range(500):
        kernel.refusals.note(403, "GET", "/api/x/{referral_id}", "role", CALLER, {}, "r-1")
    await kernel.audit.store_refusals(kernel.refusals)
    (entry,) = await entries(kernel)
    assert (entry["kind"], entry["times"], entry["codes"]) == ("refusal", 500, ["status=403", "role"])
    assert await kernel._sealer.seal() == 1
    assert entry["at"] > datetime.now(UTC) - timedelta(minutes=1)


async def test_altered_end_of_the_chain_is_not_extended(kernel: Kernel[Any, Any], place: Bench) -> None:
    now = kernel.clock()
    for count in (1, 0):
        await kernel.audit.record_all([change().entry(now)])
        if count:
            assert await kernel._sealer.seal() == 1
    forged = {"latest": now, "key": "0" * 16}
    await kernel.mongo[AUDIT_PAGES].update_one({"_id": 1}, {"$set": forged})
    with pytest.raises(ForeignPage):
        await kernel._sealer.seal()
    found = await verify(kernel.mongo, "matching", KeyRing.of(place.options.dead_letter_key), LONG_AGO)
    assert "unknown_key" in {fault.code for fault in found.faults}


async def test_rotated_key_signs_the_end_of_the_chain(kernel: Kernel[Any, Any], place: Bench) -> None:
    await kernel.audit.record_all([change().entry(kernel.clock())])
    assert await kernel._sealer.seal() == 1
    old = place.options.dead_letter_key
    both, new = KeyRing([b"the new key" * 3, old]), KeyRing([b"the new key" * 3])
    assert [await SealRotation("matching", kernel.mongo, ring).sign_anew() for ring in (new, both, both)] == [
        0,
        1,
        0,
    ]
    assert await SealRotation("matching", kernel.mongo, new).key() == new.newest.id
    assert (await verify(kernel.mongo, "matching", new, LONG_AGO)).faults == []
