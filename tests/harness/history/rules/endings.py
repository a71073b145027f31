"""Rules of the section endings."""

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from tests.harness.history.rules.rule import (
    CREATED,
    NEIGHBOUR,
    PARTNER,
    REFERRER,
    Rule,
    booked,
    closed,
    fact,
    outcome,
    pointer,
    reopened,
    retracted,
)
from tests.harness.history.sayings import ref

RETURNED = outcome(o.ReferralReturned, reason=next(iter(v.ReturnReason)), note=ref(60))
DECLINED = outcome(o.ReferralDeclined, by=v.By.PERSON, reason=next(iter(v.DeclineReason)))
WITHDRAWN = outcome(o.ReferralWithdrawn, by=v.By.PERSON, reason=next(iter(v.WithdrawReason)))
ERASED = outcome(o.PersonErased, person_ref=ref(3))

RULES = [
    Rule(
        "F63",
        "open",
        "A referral is open once it is created, until an ending stands.",
        [CREATED],
        {"endings": {"endings": [], "reopenings": 0, "erased": False, "open": True}},
    ),
    *(
        Rule(
            "F60 F63 F80",
            f"ended_{kind}",
            "Each of the four endings ends a referral and is its stage.",
            [CREATED, fact(101, booked(10)), fact(102, body)],
            {"endings.open": False, "endings.endings.0.kind": kind, "stage": kind},
        )
        for kind, body in (
            ("closed", closed()),
            ("declined", DECLINED),
            ("returned", RETURNED),
            ("withdrawn", WITHDRAWN),
        )
    ),
    Rule(
        "F60",
        "ended_before_the_creation",
        "An ending counts although its id is lower than the creation's.",
        [fact(99, closed()), CREATED],
        {"endings.open": False, "stage": "closed"},
    ),
    Rule(
        "F60 F80",
        "ended_twice",
        "All endings stand, in order of (id, source); the last is the stage, whatever the priorities.",
        [CREATED, fact(102, closed(), PARTNER), fact(101, RETURNED)],
        {
            "endings.endings.0.fact": pointer(101),
            "endings.endings.1.fact": pointer(102, PARTNER),
            "stage": "closed",
        },
    ),
    Rule(
        "F61",
        "reopened_names_its_ending",
        "A reopening undoes the ending that it names.",
        [CREATED, fact(101, closed()), fact(102, reopened(101))],
        {"endings": {"endings": [], "reopenings": 1, "erased": False, "open": True}, "stage": "waiting"},
    ),
    Rule(
        "F61",
        "reopened_before_its_ending",
        "A reopening undoes its ending although the reopening's id is lower.",
        [CREATED, fact(101, reopened(102)), fact(102, closed())],
        {"endings.open": True},
    ),
    Rule(
        "F61",
        "reopened_and_closed_again",
        "A reopening undoes no other ending: closed again is closed.",
        [
            CREATED,
            fact(101, closed()),
            fact(102, reopened(101)),
            fact(103, closed(v.CloseReason.OTHER)),
        ],
        {"endings.open": False, "endings.endings.0.fact": pointer(103), "endings.reopenings": 1},
    ),
    Rule(
        "F61",
        "reopened_one_of_two_endings",
        "Of two endings, the one that no reopening names stands.",
        [CREATED, fact(101, closed()), fact(102, WITHDRAWN), fact(103, reopened(102))],
        {"endings.open": False, "stage": "closed"},
    ),
    Rule(
        "F61",
        "reopened_names_source_and_id",
        "A reopening undoes the ending of its source, not one with the same id of another.",
        [CREATED, fact(101, closed()), fact(101, WITHDRAWN, PARTNER), fact(102, reopened(101, PARTNER))],
        {"endings.open": False, "stage": "closed"},
    ),
    Rule(
        "F61",
        "reopening_of_no_ending",
        "A reopening that names no ending undoes none, and is counted.",
        [CREATED, fact(101, closed()), fact(102, reopened(100, "/meir/referral"))],
        {"endings.open": False, "endings.reopenings": 1},
    ),
    Rule(
        "F61",
        "reopening_retracted",
        "If the reopening is retracted, the ending stands again.",
        [CREATED, fact(101, closed()), fact(102, reopened(101)), fact(103, retracted(102))],
        {"endings.open": False, "endings.reopenings": 0, "stage": "closed"},
    ),
    Rule(
        "F13 F60",
        "ending_retracted",
        "If the ending is retracted, the referral is open.",
        [CREATED, fact(101, closed()), fact(102, retracted(101))],
        {"endings.open": True, "endings.endings": [], "endings.reopenings": 0},
    ),
    Rule(
        "F62 F63",
        "erased",
        "An erasure of the person ends a referral for good.",
        [CREATED, fact(101, booked(10)), fact(102, ERASED, REFERRER)],
        {"endings.open": False, "endings.erased": True, "stage": "erased"},
    ),
    Rule(
        "F62",
        "erased_before_the_creation",
        "An erasure by the referral part counts although no creation is there.",
        [fact(101, ERASED, REFERRER)],
        {"endings.erased": True, "stage": "erased"},
    ),
    Rule(
        "F60",
        "ended_twice_under_one_id",
        "Of endings under one id, the source decides their order.",
        [CREATED, fact(101, closed(), PARTNER), fact(101, WITHDRAWN, NEIGHBOUR)],
        {"endings.endings.1.fact": pointer(101, PARTNER), "stage": "closed"},
    ),
    Rule(
        "F61",
        "reopened_by_another_source",
        "Any source may reopen.",
        [CREATED, fact(101, closed()), fact(102, reopened(101), PARTNER)],
        {"endings.open": True},
    ),
    Rule(
        "F61",
        "reopened_twice",
        "Two reopenings of one ending are two.",
        [CREATED, fact(101, closed()), fact(102, reopened(101)), fact(103, reopened(101))],
        {"endings.open": True, "endings.reopenings": 2},
    ),
    Rule(
        "F62 F63 F80",
        "erased_and_ended",
        "Erased comes before the endings, which stay.",
        [CREATED, fact(101, closed()), fact(102, ERASED, REFERRER), fact(103, reopened(101))],
        {"endings.endings": [], "endings.open": False, "stage": "erased"},
    ),
]
