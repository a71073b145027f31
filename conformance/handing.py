"""The kit as the programme's operator: claims, markers in every partition, and the new owner's epoch."""

from datetime import UTC, datetime
from typing import Final

from conformance.clause import NotTried
from conformance.events import stamp
from conformance.settings import OURS
from conformance.trial import Trial
from conformance.world import Owner

_STOPS_WITHIN: Final = 60.0


def can_be_handed_over(trial: Trial) -> None:
    """Raises NotTried for a part of Linkwork's own, which follows the control topic and not the kit."""
    if trial.kit.settings.name == OURS:
        raise NotTried("Linkwork's own part is handed over by `linkwork hand-over` alone.")


async def _stopped(trial: Trial, part: str, epoch: int) -> None:
    """Waits until the part's inbox has ended, by its own record or by its word over HTTP."""
    kit, name = trial.kit, (trial.locality, part)
    said = "the end of the inbox, as a record or by `stopped`"
    await trial.until(said, lambda: name in kit.world.stopped | kit.world.ending or None, _STOPS_WITHIN)
    if name not in kit.world.stopped:
        inbox = next(inbox for inbox, slug in kit.bus.inboxes.items() if slug == trial.locality)
        await kit.bus.end_inbox(inbox, part, epoch)
        await trial.until("the end of the inbox", lambda: name in kit.world.stopped or None)
    kit.world.ending.discard(name)


async def give(trial: Trial, to: str) -> None:
    """Hands the tried part over: to itself by its owner's name, or back to Linkwork."""
    kit, part = trial.kit, trial.kit.settings.part
    now = kit.world.owner(trial.locality, part)
    now.claim = {"to": to, "since": stamp(datetime.now(UTC))}
    trial.sent.append(f"claim of {part} for {to}")
    if now.owner == kit.settings.name:
        await _stopped(trial, part, now.epoch)
    kit.world.stopped.discard((trial.locality, part))
    epoch = now.epoch + 1
    await kit.bus.mark(trial.locality, part, epoch, to)
    trial.sent.append(f"markers of epoch {epoch} for {to} in every partition")
    address = kit.settings.api or None if to == kit.settings.name else None
    kit.world.owners[trial.locality][part] = Owner(to, epoch, None, address)
    kit.bus.closed.discard(trial.locality)
