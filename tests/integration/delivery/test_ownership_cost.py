"""The price of the fence: one update in a transaction that decides, none in one that only folds."""

import asyncio
from dataclasses import replace

from shared.contract.history import ReferralHistory
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.ownership.standing import OWNERSHIP
from shared.platform.ids import new_id
from tests.harness.delivery.asked import Commands
from tests.harness.delivery.toy import TOY, Bench, created, missed, said

FENCE = f"update {OWNERSHIP}"


def miss(story: ReferralHistory, _: object, context: DecisionContext) -> Decision:
    return Decision([missed(context.locality, context.referral_id, new_id())])


async def test_transaction_that_decides_writes_one_row_more(commands: Commands, place: Bench) -> None:
    part = replace(TOY, tasks={})
    async with place.kernel(part).running() as kernel:
        for _ in range(3):
            commands.asked.clear()
            event = said(created(place.locality))
            await place.say(event)
            await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 10)
        (batch,) = [each for each in commands.transactions() if "insert referrals" in each]
        assert batch.count(FENCE) == 1
        assert [each for each in batch if each != FENCE] == [
            "find referrals",
            "insert referrals",
            "update scheduled_tasks",
            "insert outbox",
            "commitTransaction",
        ]


async def test_transaction_that_only_folds_pays_nothing(commands: Commands, place: Bench) -> None:
    async with place.kernel(replace(TOY, decisions={})).running() as kernel:
        event = said(created(place.locality))
        await place.say(event)
        await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["stage"] == "waiting", 10)
        (batch,) = [each for each in commands.transactions() if "insert referrals" in each]
        assert batch == ["find referrals", "insert referrals", "commitTransaction"]


async def test_command_of_two_parts_asks_once_for_both(commands: Commands, place: Bench) -> None:
    """A missed meeting is casework's, and booking's answer follows."""
    async with place.kernel(replace(TOY, tasks={})).running() as kernel:
        event = said(created(place.locality))
        await place.say(event)
        await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 10)
        for _ in range(2):  # The first makes slots.
            commands.asked.clear()
            await kernel.command(place.locality, event.body.referral_id, miss)
        (command,) = [each for each in commands.transactions() if "insert idempotency" in each]
        assert command == [
            "find referrals",
            "update referrals",
            "insert outbox",
            FENCE,
            "insert idempotency",
            "commitTransaction",
        ]


async def test_commands_side_by_side_do_not_conflict_in_slots(commands: Commands, place: Bench) -> None:
    bodies = [created(place.locality) for _ in range(12)]
    async with place.kernel(replace(TOY, decisions={})).running() as kernel:

        async def create(number: int) -> None:
            body = bodies[number]
            await kernel.command(place.locality, body.referral_id, lambda *_: Decision([body]))

        await create(0)
        commands.asked.clear()
        # As many as the first transaction made slots for.
        await asyncio.gather(*(create(number) for number in range(1, 9)))
        assert commands.of("abortTransaction") == []
        assert len([each for each in commands.transactions() if "insert idempotency" in each]) == 8
