"""The kit as the programme's operator: claims, markers in every partition, and the new owner's epoch."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from conformance.clause import Broken, NotTried
from conformance.events import stamp
from conformance.settings import OURS
from conformance.trial import Trial
from conformance.world import Owner

_STOPS_WITHIN: Final = 60.0


async def _stopped(trial: Trial, part: str, epoch: int) -> None:
    """Waits until the part's inbox has ended, by its own record or by its word over HTTP."""
    kit, name = trial.kit, (trial.locality, part)
    said = f"the end of the inbox after the claim of {part}, as a record or by `stopped`"
    await trial.until(
        said,
        lambda: name in kit.world.stopped | kit.world.ending or None,
        _STOPS_WITHIN,
        lambda: "neither of them",
    )
    inbox = next((inbox for inbox, slug in kit.bus.inboxes.items() if slug == trial.locality), None)
    if name not in kit.world.stopped and inbox is not None:
        await kit.bus.end_inbox(inbox, part, epoch)
        await trial.until("the end of the inbox", lambda: name in kit.world.stopped or None)
    kit.world.ending.discard(name)


@asynccontextmanager
async def given_away(trial: Trial) -> AsyncIterator[None]:
    """Makes Linkwork the owner for as long as it lasts.

    Raises:
        Broken: the part does not end its inbox.
        NotTried: the part is Linkwork's own, which follows the control topic and not the kit.
    """
    if trial.kit.settings.name == OURS:
        raise NotTried("Linkwork's own part is handed over by `linkwork hand-over` alone.")
    await give(trial, OURS)
    try:
        yield
    finally:
        await give(trial, trial.kit.settings.name)


async def give(trial: Trial, to: str) -> None:
    """Hands the tried part over: to itself by its owner's name, or back to Linkwork."""
    kit, part = trial.kit, trial.kit.settings.part
    now = kit.world.owner(trial.locality, part)
    now.claim = {"to": to, "since": stamp(datetime.now(UTC))}
    trial.sent.append(f"claim of {part} for {to}")
    if now.owner == kit.settings.name:
        try:
            await _stopped(trial, part, now.epoch)
        except Broken:
            # No marker is written yet: the claim is taken back, so that other clauses can be tried.
            now.claim = None
            raise
    kit.world.stopped.discard((trial.locality, part))
    epoch = now.epoch + 1
    await kit.bus.mark(trial.locality, part, epoch, to)
    trial.sent.append(f"markers of epoch {epoch} for {to} in every partition")
    address = kit.settings.api or None if to == kit.settings.name else None
    kit.world.owners[trial.locality][part] = Owner(to, epoch, None, address)
    kit.bus.closed.discard(trial.locality)
