"""The reckoning of a run of hand-overs: what `chaos` counts in any run, and what hand-overs promise beside.

Everything is read from outside: the log, the inboxes, the gateway. No code is shared with the services.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chaos.evidence import Evidence, Finding
from chaos.handover.deciders import booked_once, first_answers, markers_are_whole, owners_alone_decide
from chaos.handover.epochs import Epochs, Said
from chaos.handover.inboxes import judged_once
from chaos.handover.told import told_once
from chaos.log import Entry, read
from chaos.reconcile import reconcile


@dataclass(frozen=True)
class Evidences:
    """The evidence of a run, with what concerns its booking partners.

    Attributes:
        whole: the evidence as of any run; its inboxes and refusals are those of partners that refer.
        bookers: names of the partners that may own booking, by locality.
        inboxes: records of the inboxes of these partners.
        refusals: what they were refused.
    """

    whole: Evidence
    bookers: Mapping[str, frozenset[str]]
    inboxes: tuple[Entry, ...] = ()
    refusals: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The first answer to a referral: by whom, and how long after the creation was on the log."""

    locality: str
    owner: str
    created_at: float
    seconds: float


def reckon(evidence: Evidences) -> list[Finding]:
    """All deviations. Empty if every promise was kept."""
    epochs = Epochs(evidence.whole.log)
    decisions = list(epochs.decisions(evidence.bookers))
    return [
        *markers_are_whole(epochs),
        *owners_alone_decide(epochs, decisions),
        *booked_once(decisions),
        *told_once(decisions, evidence.whole.handed),
        *judged_once(evidence.inboxes, evidence.whole.log, evidence.refusals),
        *reconcile(evidence.whole),
    ]


def answers(evidence: Evidences) -> list[Answer]:
    """The first answer of an owner of booking to each referral that got one."""
    created = created_at(evidence.whole.log)
    epochs = Epochs(evidence.whole.log)
    first: dict[str, Said] = first_answers(epochs.decisions(evidence.bookers))
    return [
        Answer(said.event.locality, said.owner, created[referral], said.event.at - created[referral])
        for referral, said in first.items()
        if referral in created
    ]


def created_at(log: Iterable[Entry]) -> dict[str, float]:
    """The time at which each referral's creation was first on the log."""
    found: dict[str, float] = {}
    for entry in log:
        event = None if entry.is_marker else read(entry)
        if event is not None and event.name == "referral-created":
            found[event.referral] = min(found.get(event.referral, event.at), event.at)
    return found
