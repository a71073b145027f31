"""The section of prescriptions: how far the person got with each service of the plan."""

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.history.casework import no_beats_yes
from shared.contract.history.effective import EffectiveFacts
from shared.contract.history.model import EventRef, Prescription, PrescriptionStatus
from shared.contract.history.section import Fields, Section


def _prescriptions(facts: EffectiveFacts) -> Fields:
    prescribed = {p.prescription_id: (p, said) for p, said in facts.of(o.ServicePrescribed)}
    return {"prescriptions": tuple(_prescription(facts, *prescribed[key]) for key in sorted(prescribed))}


def _prescription(facts: EffectiveFacts, prescribed: o.ServicePrescribed, said: EventRef) -> Prescription:
    mine = prescribed.prescription_id
    replies = [(r, s) for r, s in facts.of(o.ProviderReplied) if r.prescription_id == mine]
    started = [(a, s) for a, s in facts.of(o.ActivityStarted) if a.prescription_id == mine]
    stopped = [(a, s) for a, s in facts.of(o.ActivityNotStarted) if a.prescription_id == mine]
    ended = [(a, s) for a, s in facts.of(o.ActivityEnded) if a.prescription_id == mine]
    shared = {s.agreed for s, _ in facts.of(o.SharingChanged) if s.prescription_id == mine}
    reply = replies[-1] if replies else None
    first = min(started, key=lambda s: (s[0].on, s[1].id, s[1].source)) if started else None
    return Prescription(
        prescribed=prescribed,
        said=said,
        status=_status(
            prescribed, reply[0].reply if reply else None, bool(started), bool(stopped), bool(ended)
        ),
        reply=reply[0].reply if reply else None,
        reply_said=reply[1] if reply else None,
        weeks=reply[0].weeks if reply else None,
        not_suitable=reply[0].reason if reply else None,
        started_on=first[0].on if first else None,
        started_said=first[1] if first else None,
        accompanied_by=first[0].accompanied_by if first else None,
        barrier=stopped[-1][0].barrier if stopped and not started else None,
        not_started_said=stopped[-1][1] if stopped and not started else None,
        ended=ended[-1][0].reason if ended else None,
        ended_said=ended[-1][1] if ended else None,
        may_share=no_beats_yes(shared),
    )


def _status(
    prescribed: o.ServicePrescribed, reply: v.Reply | None, started: bool, stopped: bool, ended: bool
) -> PrescriptionStatus:
    if ended:
        return "ended"
    if started:
        return "started"
    if stopped:
        return "not_started"
    if reply is not None:
        return reply.value
    return "signposted" if prescribed.signposted else "asked"


# - One prescription for each id, in order of the ids. Of facts that prescribe the same id, the one of the
#   highest (priority, id) stands; so with replies.
# - Ended beats started, started beats not started, and each beats the reply of the service.
# - The first visit is the earliest day that any fact names.
# - Whether name and contact may be shared with the service: no beats yes.
PRESCRIPTIONS = Section(
    name="prescriptions",
    version=3,
    kinds=frozenset({o.ServicePrescribed}),
    empty={"prescriptions": ()},
    fold=_prescriptions,
)
