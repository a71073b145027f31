"""A hand-over as it is done: step after step, each found again from what is stored."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from linkwork.errors import CommandError
from linkwork.hand_over.markers import write_end, write_markers
from linkwork.hand_over.steps import SAYS, WAITING, Step, Stored, course, next_step
from linkwork.hand_over.stores import Stores
from linkwork.output import format_time
from shared.contract.asyncapi.roles import SERVICE_OF
from shared.contract.events.inbox_end import InboxEnd
from shared.contract.events.marker import PartHandedOver
from shared.contract.events.topics import partner_source
from shared.delivery.mongo.leases import LEASES, Leases
from shared.delivery.ownership.flip import CannotFlip, decides_again, ownership_of, stop_deciding
from shared.delivery.rebuild.generations import REBUILD_LEASE
from shared.platform.ids import new_id
from shared.platform.localities import OURS, Claim
from shared.platform.localities.document import Document
from shared.platform.localities.ownership import (
    Stands,
    stands,
    with_claim,
    with_owner,
    without_claim,
)

_LEASE_SECONDS: Final = 10.0
# A command that died holds the lease no longer.
_LEASE_WAIT_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.2
_BEGINS_SECONDS: Final = 30.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Ended:
    """The end of a command: `waits_for` names the step that it could not wait for any longer."""

    owner: str
    epoch: int
    waits_for: Step | None = None
    missing: str = ""
    since: datetime | None = None


class HandOver:
    """One command's work on the hand-over of one part in one locality."""

    def __init__(
        self, stores: Stores, say: Say, seconds: float, *, forced: bool = False, until: Step | None = None
    ) -> None:
        """`seconds`: the command gives up waiting after so long. `until`: it ends after this step.

        What is done stays done.
        """
        self._stores = stores
        self._say = say
        self._forced = forced
        self._last = until
        self._until = time.monotonic() + seconds

    async def give(self, to: str) -> Ended:
        """Gives the part to this owner, as far as it goes.

        Raises:
            CommandError: another hand-over is under way, or the service is being rebuilt.
            KafkaError, PyMongoError, Transient, TimeoutError: a store is away; the same call does the rest.
        """
        async with self._alone():
            stored = await self._stores.stored()
            if course(stored, to) not in ("nothing", "go"):
                raise CommandError(_under_way(self._stores, stored))
            return await self._drive(to)

    async def back(self) -> Ended:
        """Makes the part ours: undoes a hand-over that no marker shows yet, else finishes it, and goes back.

        Raises:
            CommandError: the service is being rebuilt, or the hand-over is that of two partners.
            KafkaError, PyMongoError, Transient, TimeoutError: a store is away; the same call does the rest.
        """
        async with self._alone():
            stored = await self._stores.stored()
            what = course(stored, OURS)
            if what == "undo" and stored.claim is not None and await self._undo(stored, stored.claim):
                return Ended(OURS, stored.epoch)
            if what in ("undo", "finish_first"):
                if stored.claim is None or stored.owner != OURS:
                    raise CommandError(_under_way(self._stores, stored))
                self._say("A marker stands already: the hand-over is finished first.")
                ended = await self._drive(stored.claim.to)
                if ended.waits_for is not None:
                    return ended
            return await self._drive(OURS)

    async def _drive(self, to: str) -> Ended:
        waits: Step | None = None
        since = self._stores.clock()
        while True:
            stored = await self._stores.stored()
            step = next_step(stored, to, forced=self._forced)
            if step is None:
                await self._until_begun(stored)
                return Ended(stored.owner, stored.epoch)
            if step not in WAITING:
                await self._do(step, stored, to)
                self._say(f"{step}: {SAYS[step]}")
                waits = None
                if step == self._last:
                    return Ended(to, stored.epoch, step, "The command was to end here: run it again.", since)
                continue
            missing = missing_of(self._stores, stored, step)
            if step != waits:
                waits, since = step, self._stores.clock()
                self._say(f"{step}: waits. {missing}")
            if time.monotonic() > self._until:
                return Ended(stored.owner, stored.epoch, step, missing, since)
            await asyncio.sleep(_POLL_SECONDS)

    async def _do(self, step: Step, stored: Stored, to: str) -> None:
        stores, epoch = self._stores, stored.epoch + 1
        if step == "claim":
            await self._claim(stored, to)
            return
        claim = stored.claim
        if claim is None:
            raise AssertionError  # Not reached: every other step has a claim.
        await stores.journal.begin(epoch, claim, stored.owner)
        if step == "stop":
            await self._stop(stored)
        elif step == "withdraw":
            await stores.withdraw(stores.partner(stored.owner).speaks)
        elif step == "end":
            end = InboxEnd(locality=stores.slug, part=stores.part, epoch=stored.epoch)
            source = partner_source(stores.slug, stored.owner)
            await write_end(stores.config.kafka, source, end, stores.clock, stores.new_id)
        elif step == "mark":
            if not await stores.journal.begin_marks(epoch, claim):
                raise CommandError("It was undone meanwhile: look at `linkwork hand-over status`.")
            marker = PartHandedOver(locality=stores.slug, part=stores.part, epoch=epoch, owner=to)
            await write_markers(stores.config.kafka, marker, stores.clock, stores.new_id)
        elif step == "give":
            await stores.grant(stores.partner(to).speaks)
        else:
            await stores.publish(self._raised(stored, claim, to, epoch))
        await stores.journal.done(epoch, claim, step, forced=self._forced)

    async def _claim(self, stored: Stored, to: str) -> None:
        stores = self._stores
        await self._check_no_rebuild()
        await self._check_nothing_waits()
        now = stores.clock()
        claim = Claim(to, now.replace(microsecond=now.microsecond // 1000 * 1000))

        def change(document: Document) -> Document:
            self._check(document, Stands(stored.owner, stored.epoch))
            return with_claim(document, stores.slug, stores.part, claim)

        await stores.publish(change)
        await stores.journal.begin(stored.epoch + 1, claim, stored.owner)
        await stores.journal.done(stored.epoch + 1, claim, "claim", forced=self._forced)

    def _raised(self, stored: Stored, claim: Claim, to: str, epoch: int) -> Callable[[Document], Document]:
        stores = self._stores

        def change(document: Document) -> Document:
            if stands(document, stores.slug, stores.part) == Stands(to, epoch):
                return document
            self._check(document, Stands(stored.owner, stored.epoch, claim))
            return with_owner(document, stores.slug, stores.part, to, epoch)

        return change

    def _check(self, document: Document, expected: Stands) -> None:
        """Checks that no other command has changed how the part stands."""
        stores = self._stores
        if stands(document, stores.slug, stores.part) != expected:
            raise CommandError(
                f"Another command has handed {stores.part} of {stores.slug} over meanwhile: look at "
                "`linkwork hand-over status`."
            )

    async def _stop(self, stored: Stored) -> None:
        stores = self._stores
        try:
            await stop_deciding(stores.own, stores.slug, stores.part, stored.epoch)
        except CannotFlip as refused:
            raise self._cannot_flip(refused, stored) from None

    def _cannot_flip(self, refused: CannotFlip, stored: Stored) -> CommandError:
        service, part = SERVICE_OF[self._stores.part], self._stores.part
        if refused.why == "rebuild":
            return CommandError(_rebuilt(self._stores))
        if refused.why == "marker":
            return CommandError(f"{service} has read a marker of this hand-over: it cannot be undone.")
        if refused.why == "restored":
            return CommandError(f"{service} was restored and still reads the log: try again in a minute.")
        return CommandError(
            f"The database of {service} knows a later epoch of {part} than the table ({stored.epoch}): was "
            "the control topic lost, or a back-up restored?"
        )

    async def _undo(self, stored: Stored, claim: Claim) -> bool:
        """Undoes the hand-over. False if a marker may stand in the log."""
        stores, epoch = self._stores, stored.epoch + 1
        await stores.journal.begin(epoch, claim, stored.owner)
        if not await stores.journal.undo(epoch, claim):
            return False
        try:
            await decides_again(stores.own, stores.slug, stores.part, stored.epoch)
        except CannotFlip as refused:
            raise self._cannot_flip(refused, stored) from None

        def change(document: Document) -> Document:
            if stands(document, stores.slug, stores.part) == Stands(stored.owner, stored.epoch):
                return document
            self._check(document, Stands(stored.owner, stored.epoch, claim))
            return without_claim(document, stores.slug, stores.part)

        await stores.publish(change)
        await stores.journal.done(epoch, claim, "undone")
        self._say("undone: our part decides again, and looks at what came meanwhile")
        return True

    async def _check_no_rebuild(self) -> None:
        goes_on = {"_id": REBUILD_LEASE, "holder": {"$ne": ""}, "$expr": {"$gt": ["$until", "$$NOW"]}}
        if await self._stores.own[LEASES].find_one(goes_on) is not None:
            raise CommandError(_rebuilt(self._stores))

    async def _check_nothing_waits(self) -> None:
        """Checks that no version waits for its time: the hand-over's version would take its place."""
        waits = await self._stores.waiting_version()
        if waits is None:
            return
        begins = format_time(waits.in_force_from)
        if not self._forced:
            raise CommandError(
                f"Version {waits.number} of the table waits until {begins}, and a hand-over would take its "
                "place: wait, or publish the present table at once."
            )
        self._say(f"Version {waits.number}, which waited until {begins}, is dropped: publish it again.")

    async def _until_begun(self, stored: Stored) -> None:
        """Waits a little until our service decides in the new epoch, and says if it does not yet."""
        stores = self._stores
        if stored.owner != OURS:
            return
        until = min(self._until, time.monotonic() + _BEGINS_SECONDS)
        while True:
            standing = (await ownership_of(stores.own, stores.slug))[stores.part]
            if standing.epoch >= stored.epoch and standing.decides:
                self._say(f"{SERVICE_OF[stores.part]} decides, in epoch {stored.epoch}")
                return
            if time.monotonic() > until:
                self._say(
                    f"{SERVICE_OF[stores.part]} does not decide yet: it begins once it runs and has read up "
                    "to the markers."
                )
                return
            await asyncio.sleep(_POLL_SECONDS)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Holds the lease of this part's hand-over, so that two commands do not work side by side."""
        stores = self._stores
        leases = Leases(stores.own, new_id(), _LEASE_SECONDS)
        name = f"hand-over/{stores.slug}/{stores.part}"
        until = time.monotonic() + _LEASE_WAIT_SECONDS
        while not await leases.take(name):
            if time.monotonic() > until:
                raise CommandError(f"Another command hands {stores.part} of {stores.slug} over: wait for it.")
            await asyncio.sleep(_POLL_SECONDS)
        renewing = asyncio.create_task(_renew(leases, name))
        try:
            await stores.read_table()
            yield
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            await leases.release()


async def _renew(leases: Leases, name: str) -> None:
    while True:
        await asyncio.sleep(_LEASE_SECONDS / 4)
        await leases.take(name)


def missing_of(stores: Stores, stored: Stored, step: Step) -> str:
    """What a waiting step waits for, in a sentence."""
    if step == "drain":
        return (
            f"{stored.outbox} rows of {stores.part} in the outbox of {SERVICE_OF[stores.part]} are not "
            "published: does the service run, and may it write? Rows that were set aside or too large count "
            "too (runbook “A hand-over waits”)."
        )
    inbox = stores.partner(stored.owner).inbox
    if step == "partners_end":
        return (
            f"{stored.owner} has not ended {inbox}, or admission has not come to the end: is the partner up? "
            "`back --forced` goes on without it."
        )
    return f"Admission has not passed the end of {inbox}: does the referral service run?"


def described(stores: Stores, stored: Stored, step: Step | None) -> dict[str, Any]:
    """The state of a hand-over, for `status`."""
    claim = stored.claim
    waits = step is not None and step in WAITING
    return {
        "locality": stores.slug,
        "part": stores.part,
        "owner": stored.owner,
        "epoch": stored.epoch,
        "to": claim.to if claim else None,
        "since": claim.since if claim else None,
        "next": step if claim else None,
        "missing": missing_of(stores, stored, step) if claim and step and waits else None,
    }


def _under_way(stores: Stores, stored: Stored) -> str:
    to = stored.claim.to if stored.claim else ""
    whole = f"linkwork hand-over run {stores.slug} {stores.part} --to {to}"
    back = to == OURS or stored.undone
    finish = f"linkwork hand-over back {stores.slug} {stores.part}" if back else whole
    return f"{stores.part} of {stores.slug} is being handed over to {to}: finish it first, with `{finish}`."


def _rebuilt(stores: Stores) -> str:
    return f"{SERVICE_OF[stores.part]} is being rebuilt: nothing was changed. Wait for its end."
