"""The contents of the generated journeys, on which the properties rest."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import Phase, given, settings

from shared.contract.events import outcomes as o
from shared.contract.events.fact import Fact
from shared.contract.events.models import MeetingBooked, ReferralCreated
from tests.harness.history.journeys import is_about, journeys


def test_the_journeys_hold_everything_that_may_come() -> None:
    seen = Counter[str]()

    @settings(max_examples=4000, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    @given(journeys())
    def look(facts: list[Fact]) -> None:
        seen.update(traits(facts))

    look()
    wanted = {*o.KINDS, "referral_created", "meeting_booked", "to_be_invented", *TRAITS}
    assert {name for name in wanted if seen[name] < 10} == set()


TRAITS = {
    "forty facts",
    "several meetings",
    "a rebooking",
    "an ending that is undone",
    "one that is taken back and was said before",
    "one that is taken back before it is said",
    "a retraction of a retraction",
    "facts before their referral's creation",
    "two creations",
    "two sources, one id",
    "two sources that contradict each other",
    "clocks two hours apart",
}


def traits(facts: Sequence[Fact]) -> set[str]:
    """The traits of a journey, in the order in which its ids were made."""
    kinds = [fact.kind for fact in facts]
    bookings = [fact.body for fact in facts if isinstance(fact.body, MeetingBooked)]
    there = {booked.meeting_id for booked in bookings}
    endings = [f for f in facts if f.kind.removeprefix("referral_") in {"closed", "withdrawn", "declined"}]
    back = [(at, said, fact) for at, said in enumerate(facts) for fact in facts if is_about(said, fact)]
    taken = [(at, facts.index(fact), fact) for at, said, fact in back if isinstance(said.body, o.Retracted)]
    came = {(f.body.meeting_id, f.source) for f in facts if isinstance(f.body, o.MeetingAttended)}
    missed = {(f.body.meeting_id, f.source) for f in facts if isinstance(f.body, o.MeetingMissed)}
    times = [fact.time for fact in facts]
    created = [at for at, f in enumerate(facts) if isinstance(f.body, ReferralCreated)]
    holds = {
        "forty facts": len(facts) == 40,
        "several meetings": len(there) > 2,
        "a rebooking": any(booked.replaces in there for booked in bookings),
        "an ending that is undone": any(
            isinstance(said.body, o.ReferralReopened) and fact in endings for _, said, fact in back
        ),
        "one that is taken back and was said before": any(at > before for at, before, _ in taken),
        "one that is taken back before it is said": any(at < after for at, after, _ in taken),
        "a retraction of a retraction": any(isinstance(fact.body, o.Retracted) for _, _, fact in taken),
        "facts before their referral's creation": bool(created) and min(created) > 0,
        "two creations": len(created) > 1,
        "two sources, one id": len({fact.id for fact in facts}) < len({fact.key for fact in facts}),
        "two sources that contradict each other": any(
            a == b and one != other for a, one in came for b, other in missed
        ),
        "clocks two hours apart": (max(times) - min(times)).total_seconds() >= 7200,
    }
    return {*kinds, *(name for name, held in holds.items() if held)}
