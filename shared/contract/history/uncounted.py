"""Facts that do not count, or not yet, each with the rule that leaves it out: what their sources are told."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from shared.contract.events import outcomes as o
from shared.contract.events.envelope import UnknownOutcome
from shared.contract.events.fact import Fact
from shared.contract.events.models import MeetingBooked, ReferralCreated
from shared.contract.events.notices import NotCounted
from shared.contract.history.effective import EffectiveFacts
from shared.contract.history.sources import SourceTable

_OF_A_MEETING: Final = (o.MeetingAttended, o.MeetingMissed, o.MeetingCancelled)


class Uncounted(NamedTuple):
    """A fact that changes nothing as long as the set stays as it is."""

    fact: Fact
    reason: NotCounted


def uncounted(
    facts: Sequence[Fact], sources: SourceTable, effective: EffectiveFacts | None = None
) -> tuple[Uncounted, ...]:
    """The facts of the set that do not count, by source and id. Retracted facts are none of them.

    A fact of a kind that the contract does not know yet is none of them either. `effective`: what counts of
    them, if it was judged.
    """
    effective = effective or EffectiveFacts(facts, sources)
    if _all_count(effective, len(facts)):
        return ()  # Most referrals, for which the rest is not asked.
    counting, known = effective.keys(), {fact.key for fact in facts}
    created = any(isinstance(fact.body, ReferralCreated) for fact in facts)
    _, standing = effective.highest(ReferralCreated)
    meetings = {body.meeting_id for body, _ in effective.of(MeetingBooked)}

    def reason(fact: Fact) -> NotCounted | None:
        body = fact.body
        if fact.key in effective.retracted or isinstance(body, UnknownOutcome):
            return None
        if isinstance(body, ReferralCreated):
            return None if fact is standing else NotCounted.ANOTHER_CREATION_STANDS
        if isinstance(body, o.Retracted):
            if fact.key in counting:
                return None
            target = (body.event_source, body.event_id)
            return NotCounted.NOT_YOUR_FACT if target in known else NotCounted.FACT_NOT_SAID
        if not created:
            return NotCounted.REFERRAL_NOT_CREATED
        if fact.key not in counting:
            is_meeting = isinstance(body, MeetingBooked)
            return NotCounted.SEQUENCE_LEFT_OUT if is_meeting else NotCounted.NOT_YOUR_REFERRAL
        if isinstance(body, _OF_A_MEETING) and body.meeting_id not in meetings:
            return NotCounted.MEETING_DOES_NOT_COUNT
        return None

    ordered = sorted(facts, key=lambda fact: fact.key)
    return tuple(Uncounted(fact, why) for fact in ordered if (why := reason(fact)) is not None)


def _all_count(effective: EffectiveFacts, facts: int) -> bool:
    """True if each of so many facts counts. Of several creations, one alone stands."""
    if effective.number != facts or len(effective.of(ReferralCreated)) != 1:
        return False
    meetings = {body.meeting_id for body, _ in effective.of(MeetingBooked)}
    told = (body for kind in _OF_A_MEETING for body, _ in effective.of(kind))
    return all(isinstance(body, _OF_A_MEETING) and body.meeting_id in meetings for body in told)
