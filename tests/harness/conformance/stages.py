"""The stage of a referral from the facts that a small part keeps."""

import json
from collections.abc import Iterable

from conformance.events import Event, stamp
from conformance.sources import Sources
from shared.contract.history.vectors import FORMAT, folded, load


def stage_of(facts: Iterable[Event], sources: Sources) -> str:
    """The stage that these facts fold to."""
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
    ]
    vector = {"name": "", "rules": [], "rule": "", "facts": said, "state": {}}
    file = {
        "format": FORMAT,
        "sections": {},
        "source_priorities": dict(sources.priorities),
        "source_parts": dict(sources.brings),
        "vectors": [vector],
    }
    return str(folded(load(json.dumps(file))).vectors[0].state["stage"])
