"""Rules of the section prescriptions."""

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from tests.harness.history.rules.rule import (
    CREATED,
    NEIGHBOUR,
    PARTNER,
    Rule,
    ended,
    fact,
    not_started,
    on,
    outcome,
    pointer,
    prescribed,
    replied,
    retracted,
    visited,
)
from tests.harness.history.sayings import ref

ASKED = fact(101, prescribed(20))
FIRST = "prescriptions.0"


def may_share(agreed: v.Agreed, prescription: int = 20) -> EventBody:
    """An agreement to share the person's name with the service."""
    return outcome(
        o.SharingChanged,
        agreement=v.Agreement.SERVICE,
        agreed=agreed,
        prescription_id=ref(prescription),
    )


RULES = [
    Rule(
        "F51 F53",
        "asked",
        "A prescribed service is asked, since the day of the prescription.",
        [CREATED, ASKED],
        {f"{FIRST}.status": "asked", f"{FIRST}.since": on(0), "stage": "prescribed"},
    ),
    Rule(
        "F51",
        "signposted",
        "A signposted service is not asked.",
        [CREATED, fact(101, prescribed(20, signposted=True))],
        {f"{FIRST}.status": "signposted"},
    ),
    Rule(
        "F50",
        "in_order_of_their_ids",
        "There is one prescription for each id, in order of the ids.",
        [CREATED, fact(101, prescribed(21)), fact(102, prescribed(20)), fact(103, prescribed(21))],
        {
            f"{FIRST}.prescription_id": ref(20),
            "prescriptions.1.prescription_id": ref(21),
            "prescriptions.1.fact": pointer(103),
        },
    ),
    Rule(
        "F50",
        "prescribed_by_two_sources",
        "Of two facts that prescribe one id, the one of the higher source priority stands.",
        [CREATED, ASKED, fact(102, prescribed(20, v.Need.CARING), PARTNER)],
        {f"{FIRST}.fact": pointer(101)},
    ),
    *(
        Rule(
            "F51 F53",
            f"reply_{reply}",
            "The status of a service that replied is its reply, since the day of the reply.",
            [CREATED, ASKED, fact(102, replied(20, reply, **more), PARTNER, hours=48)],
            {
                f"{FIRST}.status": reply.value,
                f"{FIRST}.since": on(2),
                f"{FIRST}.reply": pointer(102, PARTNER),
            },
        )
        for reply, more in (
            (v.Reply.ACCEPTED, {}),
            (v.Reply.WAITING_LIST, {"weeks": 6}),
            (v.Reply.FULL, {}),
            (v.Reply.NOT_SUITABLE, {"reason": next(iter(v.NotSuitableReason))}),
        )
    ),
    Rule(
        "F50",
        "two_replies",
        "Of two replies, the one of the highest (priority, id) stands.",
        [
            CREATED,
            ASKED,
            fact(102, replied(20, v.Reply.FULL)),
            fact(103, replied(20)),
            fact(104, replied(20, v.Reply.FULL), PARTNER),
        ],
        {f"{FIRST}.status": "accepted", f"{FIRST}.reply": pointer(103)},
    ),
    Rule(
        "F50",
        "reply_retracted",
        "If the reply is retracted, the service is asked again.",
        [CREATED, ASKED, fact(102, replied(20)), fact(103, retracted(102))],
        {f"{FIRST}.status": "asked", f"{FIRST}.reply": None},
    ),
    Rule(
        "F50",
        "reply_to_an_unknown_prescription",
        "A fact about a prescription that is not there makes none.",
        [CREATED, fact(101, replied(20)), fact(102, visited(20, 5))],
        {"prescriptions": [], "stage": "waiting"},
    ),
    Rule(
        "F52 F53",
        "started",
        "A first visit starts the activity, on its own day whenever it is said.",
        [CREATED, ASKED, fact(102, visited(20, 5), hours=24 * 30)],
        {f"{FIRST}.status": "started", f"{FIRST}.since": on(5), f"{FIRST}.first_visit.on": on(5)},
    ),
    Rule(
        "F52",
        "started_on_the_earliest_day",
        "Of several first visits, the earliest day stands; of one day, the lowest id.",
        [
            CREATED,
            ASKED,
            fact(102, visited(20, 9)),
            fact(104, visited(20, 5), PARTNER),
            fact(103, visited(20, 5)),
        ],
        {f"{FIRST}.first_visit": {"on": on(5), "fact": pointer(103)}},
    ),
    Rule(
        "F51 F53",
        "not_started",
        "An activity that the person will not go to has not started.",
        [CREATED, ASKED, fact(102, replied(20)), fact(103, not_started(20), hours=72)],
        {f"{FIRST}.status": "not_started", f"{FIRST}.since": on(3), f"{FIRST}.not_started": pointer(103)},
    ),
    Rule(
        "F51 F52",
        "started_beats_not_started",
        "An activity both started and not started has started, whatever priorities and ids.",
        [CREATED, ASKED, fact(102, visited(20, 5), PARTNER), fact(103, not_started(20))],
        {f"{FIRST}.status": "started", f"{FIRST}.not_started": None, "stage": "started"},
    ),
    Rule(
        "F51 F53",
        "ended_beats_started",
        "An activity that has ended is ended, since the day on which that was said.",
        [CREATED, ASKED, fact(102, visited(20, 5)), fact(103, ended(20), hours=24 * 40)],
        {f"{FIRST}.status": "ended", f"{FIRST}.since": on(40), f"{FIRST}.first_visit.on": on(5)},
    ),
    Rule(
        "F51",
        "ended_before_it_started",
        "An activity may end without a first visit.",
        [CREATED, ASKED, fact(102, ended(20))],
        {f"{FIRST}.status": "ended", f"{FIRST}.first_visit": None, "stage": "prescribed"},
    ),
    Rule(
        "F54",
        "may_share_not_asked",
        "Without a fact about it, the person was not asked whether the service may have their name.",
        [CREATED, ASKED, fact(102, may_share(v.Agreed.YES, 21))],
        {f"{FIRST}.may_share": "not_asked"},
    ),
    Rule(
        "F54",
        "may_share_no_beats_yes",
        "Of agreements that contradict each other no holds, whatever priorities and ids.",
        [CREATED, ASKED, fact(102, may_share(v.Agreed.NO), PARTNER), fact(103, may_share(v.Agreed.YES))],
        {f"{FIRST}.may_share": "no"},
    ),
    Rule(
        "F51",
        "signposted_and_replied",
        "The reply of a signposted service is its status.",
        [CREATED, fact(101, prescribed(20, signposted=True)), fact(102, replied(20))],
        {f"{FIRST}.status": "accepted"},
    ),
    Rule(
        "F50 F51",
        "reply_beside_a_first_visit",
        "A reply stays beside a first visit.",
        [CREATED, ASKED, fact(102, visited(20, 5)), fact(103, replied(20, v.Reply.FULL))],
        {f"{FIRST}.status": "started", f"{FIRST}.reply": pointer(103)},
    ),
    Rule(
        "F52",
        "first_visit_of_one_day_by_two_sources",
        "Of first visits of one day, the lowest id stands, whatever the priorities.",
        [CREATED, ASKED, fact(103, visited(20, 5)), fact(102, visited(20, 5), PARTNER)],
        {f"{FIRST}.first_visit": {"on": on(5), "fact": pointer(102, PARTNER)}},
    ),
    Rule(
        "F52",
        "first_visit_of_one_day_and_id",
        "Of first visits of one day and id, that of the lowest source stands.",
        [CREATED, ASKED, fact(102, visited(20, 5), PARTNER), fact(102, visited(20, 5), NEIGHBOUR)],
        {f"{FIRST}.first_visit.fact": pointer(102, NEIGHBOUR)},
    ),
    Rule(
        "F50 F53",
        "not_started_said_twice",
        "Of several facts that it did not start, or that it ended, the highest stands.",
        [
            CREATED,
            ASKED,
            fact(102, not_started(20), hours=24),
            fact(103, not_started(20), PARTNER, hours=48),
            fact(104, prescribed(21)),
            fact(105, ended(21), hours=24),
            fact(106, ended(21), PARTNER, hours=48),
        ],
        {
            f"{FIRST}.not_started": pointer(102),
            f"{FIRST}.since": on(1),
            "prescriptions.1.ended": pointer(105),
            "prescriptions.1.since": on(1),
        },
    ),
    Rule(
        "F51 F52",
        "ended_after_it_did_not_start",
        "An activity that did not start and ended is ended, and still says that it did not start.",
        [CREATED, ASKED, fact(102, not_started(20)), fact(103, ended(20))],
        {f"{FIRST}.status": "ended", f"{FIRST}.not_started": pointer(102)},
    ),
    Rule(
        "F54",
        "may_share_yes",
        "A yes holds for the service that it names, and for no other.",
        [CREATED, ASKED, fact(102, prescribed(21)), fact(103, may_share(v.Agreed.YES, 21))],
        {f"{FIRST}.may_share": "not_asked", "prescriptions.1.may_share": "yes"},
    ),
]
