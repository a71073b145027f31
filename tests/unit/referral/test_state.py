"""Facts in any order and with repeats give the same state and the same history."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.referral.identity.commands import erase
from services.referral.intake.commands import withdraw
from services.referral.referral_state.document import to_document
from services.referral.referral_state.state import NotOpen, ReferralState, fold
from services.referral.tracking.history import history_of
from services.referral.tracking.record import next_line
from services.referral.web.words import happened
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import event_of
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody, MeetingBooked, ReferralAgreement, ReferralCreated
from shared.contract.history import ListedSources
from shared.delivery.model.decision import DecisionContext

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
REFERRAL = "01900000-0000-7000-8000-000000000001"
HERE: dict[str, Any] = {"referral_id": REFERRAL, "locality": "meir"}


def ref(number: int) -> str:
    return f"01900000-0000-7000-8000-{number:012d}"


SOURCES = ListedSources({"/meir/matching": 40, "/meir/casework": 40, "/meir/referral": 30})


def fact(number: int, body: EventBody, source: str = "/meir/matching") -> Fact:
    at = NOW + timedelta(minutes=number)
    return Fact(source, ref(number), event_of(body), at, at, body)


def created(**different: Any) -> ReferralCreated:
    whole: dict[str, Any] = {
        **HERE,
        "practice": "M83100",
        "person_ref": ref(900),
        "route": v.Route.PRACTICE,
        "age_band": v.AgeBand.FROM_65,
        "needs": (v.Need.DEBT,),
        "agreement": ReferralAgreement(by=v.AgreedBy.PERSON, how=v.AgreedHow.PHONE, at=NOW),
        "risk": v.Risk.NONE_KNOWN,
        "contact": v.SafeToText.YES,
    }
    return ReferralCreated(**(whole | different))


def booked(number: int, sequence: int = 0, replaces: str | None = None) -> MeetingBooked:
    return MeetingBooked(
        **HERE,
        meeting_id=ref(number),
        sequence=sequence,
        replaces=replaces,
        link_worker="lw-meir-1",
        practice="M83100",
        starts_at=NOW + timedelta(days=sequence + 1),
        minutes=45,
    )


FACTS = [
    fact(1, created(), "/meir/referral"),
    fact(2, o.MeetingWaiting(**HERE, reason=v.WaitingReason.NO_SLOT, expected_by=date(2026, 12, 1))),
    fact(3, booked(501)),
    fact(4, booked(502, 1, ref(501))),
    fact(5, o.MeetingMissed(**HERE, meeting_id=ref(502))),
    fact(6, booked(503, 2)),
    fact(7, o.MeetingAttended(**HERE, meeting_id=ref(503))),
    fact(8, o.PlanAgreed(**HERE, plan_id=ref(600))),
    fact(9, o.ServicePrescribed(**HERE, prescription_id=ref(601), service_id=ref(700), need=v.Need.DEBT)),
    fact(
        10, o.ServicePrescribed(**HERE, prescription_id=ref(602), service_id=ref(701), need=v.Need.SENSITIVE)
    ),
    fact(11, o.ActivityStarted(**HERE, prescription_id=ref(602), on=date(2026, 12, 9))),
    fact(12, o.ReferralWithdrawn(**HERE, by=v.By.PRACTICE, reason=v.WithdrawReason.OTHER), "/meir/referral"),
    fact(13, o.ReferralReopened(**HERE, ends_source="/meir/referral", ends_id=ref(12))),
    fact(14, o.ReferralClosed(**HERE, reason=v.CloseReason.COMPLETED)),
    fact(
        15,
        o.Retracted(**HERE, event_source="/meir/matching", event_id=ref(14), reason=v.RetractReason.UNDONE),
    ),
    fact(16, created(practice="M83713"), "/meir/stranger"),
]


@given(st.sets(st.sampled_from(range(len(FACTS)))), st.randoms(use_true_random=False), st.integers(0, 3))
def test_fold_in_any_order_with_repeats_is_the_same(chosen: set[int], random: Any, repeats: int) -> None:
    facts = [FACTS[n] for n in sorted(chosen)]
    if not facts:
        return
    shuffled = facts + random.choices(facts, k=repeats)
    random.shuffle(shuffled)
    once = {each.key: each for each in shuffled}

    assert to_document(fold(list(once.values()), SOURCES)) == to_document(fold(facts, SOURCES))
    assert fold(list(once.values()), SOURCES) == fold(facts, SOURCES)
    histories = [history_of(each, SOURCES) for each in (facts, list(once.values()))]
    assert histories[0] == histories[1]


def test_fact_of_an_unknown_source_keeps_the_practice() -> None:
    assert to_document(fold(FACTS, SOURCES))["practice"] == "M83100"


def test_history_hides_a_sensitive_need() -> None:
    told = history_of(FACTS, SOURCES)
    assert [h.detail["need"] for h in told if h.kind == "service_prescribed"] == [v.Need.DEBT]
    assert "activity_started" not in [h.kind for h in told]
    assert all("service_id" not in h.detail and "note" not in h.detail for h in told)


def test_history_of_a_next_step_alone_has_no_entry() -> None:
    step = o.NextStep(code=v.NextStepCode.RING, on=date(2026, 12, 3))
    facts = [
        fact(21, o.LinkWorkerChanged(**HERE, link_worker="lw-meir-1", next_step=step)),
        fact(22, o.LinkWorkerChanged(**HERE, link_worker="lw-meir-2")),
        fact(23, o.PlanAgreed(**HERE, plan_id=ref(600))),
        fact(24, o.PlanAgreed(**HERE, plan_id=ref(600), revision=2, next_step=step)),
    ]
    told = [happened(each.kind, each.detail) for each in history_of(facts, ListedSources())]
    assert told == ["Another link worker took over", "A plan was agreed", "The plan was changed"]


def test_next_event_at_each_step() -> None:
    def next_of(*numbers: int) -> Any:
        return to_document(fold([FACTS[n - 1] for n in numbers], SOURCES))["next"]

    assert next_of(1) is None
    assert next_of(1, 2) == {"what": "in_touch", "on": "2026-12-01", "at": None}
    assert next_of(1, 2, 3) == {"what": "meet", "on": "2026-11-25", "at": NOW + timedelta(days=1)}
    assert next_of(1, 3, 12) is None


def test_next_step_overtaken_by_a_reply_is_the_following_one() -> None:
    def told(code: v.NextStepCode, *more: EventBody) -> Any:
        step = o.NextStep(code=code, on=date(2026, 12, 3))
        asked = o.ServicePrescribed(
            **HERE, prescription_id=ref(601), service_id=ref(700), need=v.Need.DEBT, next_step=step
        )
        facts = [FACTS[0], fact(40, asked), *(fact(41 + n, body) for n, body in enumerate(more))]
        return to_document(fold(facts, SOURCES))["next"]

    yes = o.ProviderReplied(**HERE, prescription_id=ref(601), reply=v.Reply.ACCEPTED)
    came = o.ActivityStarted(**HERE, prescription_id=ref(601), on=date(2026, 11, 30))
    assert told(v.NextStepCode.WAIT_FOR_SERVICE) == {
        "what": "wait_for_service",
        "on": "2026-12-03",
        "at": None,
    }
    assert told(v.NextStepCode.WAIT_FOR_SERVICE, yes) == {
        "what": "check_first_visit",
        "on": "2026-12-08",  # fourteen days after the answer of 24 November
        "at": None,
    }
    review = {"what": "review", "on": "2027-02-22", "at": None}  # twelve weeks after the visit of 30 November
    assert told(v.NextStepCode.CHECK_FIRST_VISIT, yes, came) == review


def test_history_of_a_visit_recorded_later_has_the_visits_day() -> None:
    visit = o.ActivityStarted(**HERE, prescription_id=ref(601), on=date(2026, 11, 20))
    (told,) = [
        h for h in history_of([*FACTS[:9], fact(60, visit)], ListedSources()) if h.kind == "activity_started"
    ]
    assert told.on == date(2026, 11, 20)
    assert told.at == NOW + timedelta(minutes=60)


def test_next_line_of_a_past_day_says_overdue() -> None:
    view = {"next": {"what": "ring", "on": "2026-12-03", "at": None}}
    assert next_line(view, date(2026, 12, 3)) == "The link worker will ring by 3 December 2026"
    assert next_line(view, date(2026, 12, 4)).endswith("3 December 2026 (overdue)")


def test_meeting_after_midnight_in_london_is_on_that_day() -> None:
    late = booked(504).model_copy(update={"starts_at": datetime(2026, 7, 1, 23, 30, tzinfo=UTC)})
    stored = to_document(fold([FACTS[0], fact(30, late)], SOURCES))
    assert stored["next"]["on"] == "2026-07-02"


def test_fold_of_no_facts_is_no_referral() -> None:
    stored = to_document(fold([], SOURCES))
    assert (stored["open"], stored["practice"], stored["stage"]) == (False, None, "unknown")


def context() -> DecisionContext:
    return DecisionContext(NOW, lambda: ref(999), "meir", REFERRAL)


def status(*numbers: int) -> ReferralState:
    return fold([FACTS[n - 1] for n in numbers], SOURCES)


def test_withdraw_twice_publishes_once() -> None:
    (said,) = withdraw(v.WithdrawReason.MOVED_AWAY, status(1), context()).facts
    assert isinstance(said, o.ReferralWithdrawn)
    assert said.by is v.By.PRACTICE
    for ended in (status(1, 12), status(1, 14), status()):
        try:
            withdraw(v.WithdrawReason.OTHER, ended, context())
        except NotOpen:
            continue
        raise AssertionError("an ended referral was withdrawn")


def test_erase_twice_publishes_once() -> None:
    (said,) = erase(ref(900), status(1, 14), context()).facts
    assert isinstance(said, o.PersonErased)
    done = fold([FACTS[0], fact(40, said, "/meir/referral")], SOURCES)
    assert not erase(ref(900), done, context()).facts
    assert to_document(done)["stage"] == "erased"


def test_referral_without_meeting_or_reason_is_unanswered() -> None:
    made = fact(1, created(), "/meir/referral")
    meeting = fact(2, booked(2))
    miss = fact(5, o.MeetingMissed(**HERE, meeting_id=ref(2)))
    reason = o.MeetingWaiting(**HERE, reason=v.WaitingReason.NO_SLOT, expected_by=date(2026, 12, 1))
    cancelled = o.MeetingCancelled(**HERE, meeting_id=ref(2), by=v.By.PERSON, why=v.CancelReason.UNWELL)
    attended = o.MeetingAttended(**HERE, meeting_id=ref(2))
    closed = o.ReferralDeclined(**HERE, by=v.By.PERSON, reason=v.DeclineReason.DOES_NOT_WANT)

    def since(*facts: Fact) -> datetime | None:
        at: datetime | None = to_document(fold(facts, SOURCES))["unanswered"]
        return at

    assert since(meeting) is None, "not known yet"
    assert since(made) == made.recorded
    assert since(made, meeting) is None
    assert since(made, fact(3, reason)) is None
    assert since(made, meeting, miss) == miss.recorded
    assert since(made, meeting, fact(4, cancelled)) == fact(4, cancelled).recorded
    assert since(made, meeting, miss, fact(6, booked(6, sequence=1))) is None
    assert since(made, meeting, fact(3, attended)) is None
    assert since(made, fact(3, closed)) is None


def test_document_of_an_erased_person_has_nothing_uncounted() -> None:
    """As in a sandbox that has forgotten the creation, and keeps what came later for some days."""
    early = fact(1, booked(50), "/meir/vast-hub")
    erased = fact(2, o.PersonErased(**HERE, person_ref=ref(900)), "/meir/referral")
    assert to_document(fold([early], SOURCES))["uncounted"]
    assert to_document(fold([early, erased], SOURCES))["uncounted"] is None
