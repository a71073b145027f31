"""How far the person got with each service of the plan."""

from typing import TYPE_CHECKING

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.history.model import EventRef, Prescription, PrescriptionStatus

if TYPE_CHECKING:
    from shared.contract.history.fold import EffectiveFacts


def prescriptions_of(told: "EffectiveFacts") -> tuple[Prescription, ...]:
    """One for each prescription id, in order of the ids."""
    prescribed = {p.prescription_id: (p, said) for p, said in told.of(o.ServicePrescribed)}
    return tuple(_prescription(told, *prescribed[key]) for key in sorted(prescribed))


def _prescription(told: "EffectiveFacts", prescribed: o.ServicePrescribed, said: EventRef) -> Prescription:
    mine = prescribed.prescription_id
    replies = [(r, s) for r, s in told.of(o.ProviderReplied) if r.prescription_id == mine]
    started = [(a, s) for a, s in told.of(o.ActivityStarted) if a.prescription_id == mine]
    stopped = [(a, s) for a, s in told.of(o.ActivityNotStarted) if a.prescription_id == mine]
    ended = [(a, s) for a, s in told.of(o.ActivityEnded) if a.prescription_id == mine]
    shared = {s.agreed for s, _ in told.of(o.SharingChanged) if s.prescription_id == mine}
    reply = replies[-1] if replies else None
    first = min(started, key=lambda s: (s[0].on, s[1].id)) if started else None
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
        may_share=next((a for a in (v.Agreed.NO, v.Agreed.YES) if a in shared), v.Agreed.NOT_ASKED),
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
