"""Clauses about the events that a part says: ids, kinds, schemas, identity, keys."""

import re

from conformance import roles
from conformance.clause import Broken, NotTried, clause
from conformance.contract import authority, differences
from conformance.events import Event, partition_of
from conformance.trial import Trial
from conformance.world import SECRETS

# Notifications and evaluation say nothing on the bus.
_SAYS = frozenset({"referral", "booking", "casework", "directory"})
_VERSION_7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


async def _said(trial: Trial) -> list[Event]:
    """Everything that the part has said in this run, also in vain, after it was given something to say."""
    refused = trial.kit.bus.refused
    try:
        await roles.speak(trial)
    except Broken:
        if not refused:
            raise
    word = trial.kit.settings.speaks_as.rpartition("/")[2]
    found = [e for each in trial.kit.bus.heard.values() for e in each if e.source.rpartition("/")[2] == word]
    theirs = [each for each in found if each.id not in trial.kit.bus.forged]
    theirs += [each.event for each in refused if each.event is not None]
    if not theirs:
        raise NotTried("The part has said nothing.")
    return theirs


@clause("ALL-2", "Ids are UUIDs of version 7, and an id has one body", parts=_SAYS)
async def ids(trial: Trial) -> None:
    """Looks at the id of every event that the part has said in this run."""
    bodies: dict[str, bytes] = {}
    for event in await _said(trial):
        trial.expect(bool(_VERSION_7.fullmatch(event.id)), "a UUID of version 7", event.line())
        first = bodies.setdefault(event.id, event.raw)
        trial.expect(first == event.raw, f"one body under {event.id}", f"{first!r} and {event.raw!r}")


@clause("ALL-5", "The part says only its own kinds, by the schema of what may be published", parts=_SAYS)
async def kinds(trial: Trial) -> None:
    """Holds every event that the part has said in this run to authority.json and to its strict schema."""
    part = trial.kit.settings.part
    refused = [each.line() for each in trial.kit.bus.refused if each.code != "not_owner"]
    for event in await _said(trial):
        owners = authority().get(event.kind, frozenset())
        trial.expect(part in owners, f"kinds of {part} only", event.line())
        wrong = differences(event.event, event.data)
        trial.expect(not wrong, "a body by its schema", f"{', '.join(wrong)} in {event.line()}")
    trial.expect(not refused, "no record that admission refuses", "; ".join(refused))


@clause("ALL-6", "Events name nobody", parts=_SAYS)
async def identity(trial: Trial) -> None:
    """Looks in every event of the part for the name, number and address that the vault has."""
    for event in await _said(trial):
        text = event.raw.decode()
        found = [word for word in SECRETS if word in text]
        trial.expect(not found, "codes and opaque references only", f"{', '.join(found)} in {event.kind}")


@clause("ALL-8", "The key is the referral, and its partition the one of the key", parts=_SAYS)
async def keys(trial: Trial) -> None:
    """Looks at key and partition of every event that the part has said in this run."""
    for event in await _said(trial):
        trial.expect(event.key == event.referral.encode(), f"the key {event.referral}", event.key)
        if any(each.event is event for each in trial.kit.bus.refused):
            continue
        count = trial.kit.bus.partitions.get(event.topic, trial.kit.settings.partitions)
        wanted = partition_of(event.referral.encode(), count)
        trial.expect(event.partition == wanted, f"partition {wanted} of {count}", event.partition)
