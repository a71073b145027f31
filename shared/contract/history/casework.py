"""Sections that a link worker records: contacts, plan, unmet needs, questionnaires, agreements to share."""

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.history.effective import EffectiveFacts
from shared.contract.history.section import Fields, Section


def _contact_attempts(facts: EffectiveFacts) -> Fields:
    return {"contacts": tuple(facts.of(o.ContactAttempted))}


def _plan(facts: EffectiveFacts) -> Fields:
    priority = facts.priority
    plan, said = max(
        facts.of(o.PlanAgreed), key=lambda p: (p[0].revision, priority(p[1].source), p[1].id, p[1].source)
    )
    return {"plan": plan, "plan_said": said}


def _unmet_needs(facts: EffectiveFacts) -> Fields:
    return {"unmet": tuple(facts.of(o.NeedUnmet))}


def _measures(facts: EffectiveFacts) -> Fields:
    return {"measured": {(m.instrument, m.stage): (m, said) for m, said in facts.of(o.Measured)}}


def _sharing(facts: EffectiveFacts) -> Fields:
    return {
        "details_to_gp": _agreed(facts, v.Agreement.DETAILS_TO_GP),
        "follow_up": _agreed(facts, v.Agreement.FOLLOW_UP),
    }


def _agreed(facts: EffectiveFacts, agreement: v.Agreement) -> v.Agreed:
    said = {s.agreed for s, _ in facts.of(o.SharingChanged) if s.agreement is agreement}
    return no_beats_yes(said)


def no_beats_yes(said: set[v.Agreed]) -> v.Agreed:
    """The agreement that holds if facts contradict each other: fail closed."""
    return next((a for a in (v.Agreed.NO, v.Agreed.YES) if a in said), v.Agreed.NOT_ASKED)


# Every attempt counts.
CONTACT_ATTEMPTS = Section(
    name="contact_attempts",
    version=3,
    kinds=frozenset({o.ContactAttempted}),
    empty={"contacts": ()},
    fold=_contact_attempts,
)
# The plan of the highest (revision, priority, id) stands.
PLAN = Section(
    name="plan",
    version=3,
    kinds=frozenset({o.PlanAgreed}),
    empty={"plan": None, "plan_said": None},
    fold=_plan,
)
UNMET_NEEDS = Section(
    name="unmet_needs",
    version=3,
    kinds=frozenset({o.NeedUnmet}),
    empty={"unmet": ()},
    fold=_unmet_needs,
)
# For each instrument and stage, the answers of the highest (priority, id) stand.
MEASURES = Section(
    name="measures",
    version=3,
    kinds=frozenset({o.Measured}),
    empty={"measured": {}},
    fold=_measures,
)
# No beats yes. To change an agreement is to retract the earlier fact and say the new one.
SHARING = Section(
    name="sharing",
    version=3,
    kinds=frozenset({o.SharingChanged}),
    empty={"details_to_gp": v.Agreed.NOT_ASKED, "follow_up": v.Agreed.NOT_ASKED},
    fold=_sharing,
)
