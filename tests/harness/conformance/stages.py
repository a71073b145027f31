"""The state of a referral from the facts that a small part keeps, by the reference fold."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from conformance.contract import authority
from conformance.events import Event, stamp
from conformance.sources import Sources
from shared.contract.history.vectors import FORMAT, folded, load


def folded_state(facts: Iterable[Event], sources: Sources) -> Mapping[str, Any]:
    """The state that these facts fold to, as the vectors have it. A kind to come changes nothing."""
    said = [
        {
            "source": each.source,
            "id": each.id,
            "event": each.event,
            "time": stamp(each.time),
            "recordedtime": stamp(each.recorded),
            "body": each.data,
        }
        for each in facts
        if each.kind in authority()
    ]
    vector = {"name": "", "rules": [], "rule": "", "facts": said, "state": {}}
    file = {
        "format": FORMAT,
        "sections": {},
        "source_priorities": dict(sources.priorities),
        "source_parts": dict(sources.brings),
        "vectors": [vector],
    }
    return folded(load(json.dumps(file))).vectors[0].state
