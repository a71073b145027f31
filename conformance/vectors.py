"""Vectors of the fold as they are said in a trial's locality: under new ids that keep their order."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from conformance.contract import sources, vectors
from conformance.events import Event
from conformance.trial import Trial


def without_partners(names: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """The vectors of these files, but for those in which a partner brings a part.

    A part of Linkwork's follows its own table, which does not list these partners.
    """
    for name in names:
        _, brings = sources(name)
        yield from (each for each in vectors(name) if not any(f["source"] in brings for f in each["facts"]))


def of_one_referral(vector: Mapping[str, Any]) -> bool:
    """True for a vector with facts, all of them about one referral."""
    return len({each["body"]["referral_id"] for each in vector["facts"]}) == 1


def calls_for_booking(state: Mapping[str, Any]) -> bool:
    """True if booking owes a meeting or a reason to a referral in this state (BOOK-1)."""
    meetings = state["meetings"]
    met = any(each["status"] == "attended" for each in meetings["meetings"])
    return bool(state["endings"]["open"]) and not met and meetings["active"] is None


def placed(trial: Trial, vector: Mapping[str, Any]) -> tuple[list[Event], Mapping[str, Any]]:
    """The facts of a vector in the trial's locality, and the state that they fold to."""
    text = json.dumps({"facts": vector["facts"], "state": vector["state"]})
    text = text.replace('"00000000-', f'"{trial.rng.getrandbits(32):08x}-')
    text = re.sub(r'"/meir/', f'"/{trial.locality}/', text).replace('"meir"', f'"{trial.locality}"')
    text = re.sub(r'"lw-meir-([0-9])"', rf'"lw-{trial.locality}-90\1"', text)
    text = re.sub(r'"M[0-9]{5}"', f'"{trial.kit.settings.localities[trial.locality]}"', text)
    content = json.loads(text)
    return [_event(each) for each in content["facts"]], content["state"]


def _event(fact: Mapping[str, Any]) -> Event:
    time, recorded = (datetime.fromisoformat(fact[name]) for name in ("time", "recordedtime"))
    return Event(fact["id"], fact["source"], fact["event"], fact["body"], time, recorded)
