"""Inputs of the commands on the services of a plan."""

from dataclasses import dataclass
from datetime import date

from shared.contract.events import vocabulary as v
from shared.contract.events.outcomes import NextStep


@dataclass(frozen=True, slots=True)
class Prescribing:
    """One service to add to the plan.

    `signposted`: the person only gets its details, and the service is not asked. `may_share`: whether the
    person agrees that this service gets their name and telephone.
    """

    service_id: str
    need: v.Need
    signposted: bool = False
    may_share: v.Agreed = v.Agreed.NOT_ASKED
    next_step: NextStep | None = None


@dataclass(frozen=True, slots=True)
class ServiceReply:
    """A service's answer. `weeks`: of a waiting list, None if not known; `reason`: why it is not suitable."""

    reply: v.Reply
    weeks: int | None = None
    reason: v.NotSuitableReason | None = None


@dataclass(frozen=True, slots=True)
class FirstVisit:
    """The first visit to a service, on that day."""

    on: date
    accompanied_by: v.AccompaniedBy = v.AccompaniedBy.NOT_KNOWN
    next_step: NextStep | None = None


@dataclass(frozen=True, slots=True)
class NoVisit:
    """A first visit that did not happen, and the barrier."""

    barrier: v.Barrier
    next_step: NextStep | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """The person no longer goes to a service."""

    reason: v.EndReason
    next_step: NextStep | None = None


@dataclass(frozen=True, slots=True)
class SharingAnswer:
    """The person's answer to one question about sharing. `prescription_id`: for one service alone."""

    agreement: v.Agreement
    agreed: v.Agreed
    prescription_id: str | None = None
