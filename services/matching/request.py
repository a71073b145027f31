"""What somebody asks matching to do: who asks, and the records that they fill in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from shared.contract.events import vocabulary as v
from shared.contract.events.outcomes import NextStep
from shared.platform.web.caller import Principal


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Who asks, and under which idempotency key (of a form or a request), if any.

    The same key with the same request is answered again and done once; with another request it is refused.
    """

    caller: Principal
    key: str | None = None


@dataclass(frozen=True, slots=True)
class GoalSaid:
    """One goal as the person puts it. `words` go to the vault; importance and confidence are 1-10."""

    need: v.Need
    words: str = ""
    importance: int | None = None
    confidence: int | None = None
    action: v.ActionCode | None = None
    review_on: date | None = None


@dataclass(frozen=True, slots=True)
class MeetingRecord:
    """What the link worker writes down at a meeting. Texts go to the vault, the rest becomes events.

    `ons4` holds the answers given, by item (satisfied, worthwhile, happy, anxious: 0-10); a skipped item is
    left out. At most three goals. `next_step` may be left out only where one follows from the case.
    """

    needs: tuple[v.Need, ...] = ()
    what_matters: str = ""
    goals: tuple[GoalSaid, ...] = ()
    ons4: Mapping[str, int] = field(default_factory=dict)
    ons4_stage: v.Stage | None = None
    """None: before; then review, and after from ten weeks on or where the next step is to close the case."""
    note: str = ""
    next_step: NextStep | None = None
    details_to_gp: v.Agreed = v.Agreed.NOT_ASKED
    follow_up: v.Agreed = v.Agreed.NOT_ASKED


@dataclass(frozen=True, slots=True)
class NextMeeting:
    """Which meeting a case gets when it is opened again.

    `slot` is a time (a `Slot.key`). `not_before`: they can meet from that day on, and nothing is booked
    before it. With neither, a case that never met gets the next suitable time, and another gets none.
    """

    slot: str | None = None
    not_before: date | None = None


@dataclass(frozen=True, slots=True)
class Prescribing:
    """One service to add to the plan.

    `signposted`: only details are given, the service is not asked. `may_share`: whether the person agrees
    that this service gets their name and telephone.
    """

    service_id: str
    need: v.Need
    signposted: bool = False
    may_share: v.Agreed = v.Agreed.NOT_ASKED
