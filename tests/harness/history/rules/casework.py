"""Rules of what a link worker records: contacts, plan, unmet needs, questionnaires, agreements."""

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from tests.harness.history.rules.rule import (
    CREATED,
    NEIGHBOUR,
    PARTNER,
    Rule,
    day,
    fact,
    outcome,
    pointer,
    retracted,
)
from tests.harness.history.sayings import ref


def plan(revision: int) -> EventBody:
    """The plan as it stands at this revision."""
    return outcome(o.PlanAgreed, plan_id=ref(30), revision=revision)


def measured(stage: v.Stage, score: int) -> EventBody:
    """Answers to a questionnaire."""
    return outcome(
        o.Measured, instrument=v.Instrument.ONS4, stage=stage, on=day(1), scores={"satisfied": score}
    )


def agreed(to: v.Agreement, answer: v.Agreed) -> EventBody:
    """An agreement to share."""
    return outcome(o.SharingChanged, agreement=to, agreed=answer)


REACHED = outcome(o.ContactAttempted, channel=v.Channel.PHONE, reached=True)
UNMET = outcome(o.NeedUnmet, need=v.Need.DEBT, reason=next(iter(v.UnmetReason)))
LONELY = outcome(
    o.Measured,
    instrument=v.Instrument.DIRECT_LONELINESS,
    stage=v.Stage.REVIEW,
    on=day(1),
    scores={"lonely": 2},
)
GP, FOLLOW_UP = v.Agreement.DETAILS_TO_GP, v.Agreement.FOLLOW_UP

RULES = [
    Rule(
        "F40",
        "contact_attempts_all_count",
        "Every attempt to reach the person counts, in ascending order of (priority, id).",
        [CREATED, fact(101, REACHED), fact(103, REACHED, PARTNER), fact(102, REACHED)],
        {"contact_attempts": [pointer(103, PARTNER), pointer(101), pointer(102)]},
    ),
    Rule(
        "F41",
        "plan_of_the_highest_revision",
        "The plan of the highest revision stands, whatever priorities and ids.",
        [CREATED, fact(101, plan(2), PARTNER), fact(102, plan(1))],
        {"plan": pointer(101, PARTNER)},
    ),
    Rule(
        "F41",
        "plan_of_equal_revision_and_higher_priority",
        "Of plans of one revision, the one of the higher source priority stands.",
        [CREATED, fact(101, plan(1)), fact(102, plan(1), PARTNER)],
        {"plan": pointer(101)},
    ),
    Rule(
        "F41",
        "plan_of_equal_revision_and_higher_id",
        "Of plans of one revision and priority, the one of the higher id stands.",
        [CREATED, fact(102, plan(1)), fact(101, plan(1))],
        {"plan": pointer(102)},
    ),
    Rule(
        "F41",
        "plan_of_equal_revision_priority_and_id",
        "Of plans that are equal in revision, priority and id, the one of the higher source name stands.",
        [CREATED, fact(101, plan(1), NEIGHBOUR), fact(101, plan(1), PARTNER)],
        {"plan": pointer(101, PARTNER)},
    ),
    Rule(
        "F41",
        "plan_revision_retracted",
        "If the highest revision is retracted, the one before it stands.",
        [CREATED, fact(101, plan(1)), fact(102, plan(2)), fact(103, retracted(102))],
        {"plan": pointer(101)},
    ),
    Rule(
        "F40",
        "unmet_needs_all_count",
        "Every unmet need counts, in ascending order of (priority, id).",
        [CREATED, fact(102, UNMET), fact(101, UNMET), fact(103, UNMET, PARTNER)],
        {"unmet_needs": [pointer(103, PARTNER), pointer(101), pointer(102)]},
    ),
    Rule(
        "F42",
        "measures_by_instrument_and_stage",
        "For each instrument and stage, the answers of the highest (priority, id) stand.",
        [
            CREATED,
            fact(101, measured(v.Stage.BEFORE, 3)),
            fact(102, measured(v.Stage.BEFORE, 4)),
            fact(103, measured(v.Stage.BEFORE, 5), PARTNER),
            fact(104, measured(v.Stage.AFTER, 8), PARTNER),
        ],
        {
            "measures": [
                {"instrument": "ons4", "stage": "after", "fact": pointer(104, PARTNER)},
                {"instrument": "ons4", "stage": "before", "fact": pointer(102)},
            ]
        },
    ),
    Rule(
        "F43",
        "sharing_not_asked",
        "Without a fact about it, the person was not asked.",
        [CREATED],
        {"sharing": {"details_to_gp": "not_asked", "follow_up": "not_asked"}},
    ),
    Rule(
        "F43",
        "sharing_each_agreement_by_itself",
        "Each agreement holds by itself.",
        [CREATED, fact(101, agreed(GP, v.Agreed.YES)), fact(102, agreed(FOLLOW_UP, v.Agreed.NO))],
        {"sharing": {"details_to_gp": "yes", "follow_up": "no"}},
    ),
    Rule(
        "F43",
        "sharing_no_beats_yes",
        "Of agreements that contradict each other no holds, whatever priorities and ids.",
        [CREATED, fact(101, agreed(GP, v.Agreed.NO), PARTNER), fact(102, agreed(GP, v.Agreed.YES))],
        {"sharing.details_to_gp": "no"},
    ),
    Rule(
        "F43",
        "sharing_changed_by_retracting",
        "To change an agreement is to retract the earlier fact and say the new one.",
        [
            CREATED,
            fact(101, agreed(GP, v.Agreed.NO)),
            fact(102, retracted(101)),
            fact(103, agreed(GP, v.Agreed.YES)),
        ],
        {"sharing.details_to_gp": "yes"},
    ),
    Rule(
        "F42",
        "measures_in_order_of_instrument_and_stage",
        "Measures are in order of instrument and stage, as text.",
        [
            CREATED,
            fact(101, measured(v.Stage.REVIEW, 3)),
            fact(102, LONELY),
            fact(103, measured(v.Stage.AFTER, 5)),
            fact(104, measured(v.Stage.BEFORE, 5)),
        ],
        {
            "measures.0": {"instrument": "direct_loneliness", "stage": "review", "fact": pointer(102)},
            "measures.1.stage": "after",
            "measures.2.stage": "before",
            "measures.3.stage": "review",
        },
    ),
    Rule(
        "F43",
        "sharing_not_asked_beside_a_yes",
        "A fact that the person was not asked takes no yes away.",
        [CREATED, fact(101, agreed(GP, v.Agreed.YES)), fact(102, agreed(GP, v.Agreed.NOT_ASKED))],
        {"sharing.details_to_gp": "yes"},
    ),
    Rule(
        "F40",
        "contact_attempt_retracted",
        "An attempt that is retracted counts no more, and the others do.",
        [CREATED, fact(101, REACHED), fact(102, REACHED), fact(103, retracted(101))],
        {"contact_attempts": [pointer(102)]},
    ),
    Rule(
        "F3 F41",
        "plan_without_a_revision",
        "A plan that names no revision is the first.",
        [CREATED, fact(101, plan(2)), fact(102, outcome(o.PlanAgreed, plan_id=ref(30)))],
        {"plan": pointer(101)},
    ),
]
