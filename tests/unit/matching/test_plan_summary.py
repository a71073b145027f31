"""The practice sees goals and services after a yes; no scores, no notes, nothing sensitive."""

from datetime import date
from typing import Any

import pytest

from services.matching.casework.plan_summary import summary_of
from services.matching.directory.feed.model import Service
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from shared.contract.history import ReferralHistory
from tests.harness.matching.decision_harness import LOCALITY
from tests.unit.feed.test_service import service
from tests.unit.matching.test_needs_you import FIRST, OF, PLAN, SECOND, SERVICE, Telling

WORDS = "00000000-0000-7000-8000-0000000000aa"
GOAL = "00000000-0000-7000-8000-0000000000ab"
HERE: dict[str, Any] = {"referral_id": OF, "locality": LOCALITY}


def said(agreed: v.Agreed) -> o.SharingChanged:
    return o.SharingChanged(**HERE, agreement=v.Agreement.DETAILS_TO_GP, agreed=agreed)


def plan(need: v.Need = v.Need.EXERCISE) -> o.PlanAgreed:
    goal = o.Goal(
        goal_id=GOAL,
        need=need,
        importance=9,
        confidence=3,
        words=WORDS,
        actions=(o.Action(code=v.ActionCode.DO_DAILY),),
    )
    return o.PlanAgreed(**HERE, plan_id=PLAN, goals=(goal,), what_matters=WORDS)


def prescribed(of: str = FIRST, need: v.Need = v.Need.DEBT) -> o.ServicePrescribed:
    return o.ServicePrescribed(**HERE, prescription_id=of, service_id=SERVICE, need=need)


def story(*bodies: EventBody) -> ReferralHistory:
    telling = Telling().met()
    for day, body in enumerate(bodies):
        telling.at(day, body, by="referral" if isinstance(body, o.PersonErased) else "matching")
    return telling.view.story


def directory(**changed: Any) -> dict[str, Service]:
    return {SERVICE: service().model_copy(update={"name": "Money desk (example)", **changed})}


def test_plan_after_a_yes_has_goals_and_services() -> None:
    yes = o.ProviderReplied(**HERE, prescription_id=FIRST, reply=v.Reply.ACCEPTED)
    found = summary_of(story(said(v.Agreed.YES), plan(), prescribed(), yes), directory())
    assert found is not None
    (goal,), (service,) = found.goals, found.services
    assert (goal.need, goal.words, goal.actions) == (v.Need.EXERCISE, WORDS, (v.ActionCode.DO_DAILY,))
    assert (service.name, service.status) == ("Money desk (example)", "accepted")
    assert isinstance(service.since, date)
    assert not {"importance", "confidence", "note", "what_matters"} & set(goal.__dataclass_fields__)


@pytest.mark.parametrize(
    "answers",
    [[], [v.Agreed.NO], [v.Agreed.YES, v.Agreed.NO], [v.Agreed.NOT_ASKED]],
    ids=["not asked", "no", "yes and no", "asked later"],
)
def test_plan_without_a_plain_yes_is_not_shown(answers: list[v.Agreed]) -> None:
    assert summary_of(story(*map(said, answers), plan(), prescribed()), directory()) is None


def test_plan_of_an_erased_person_is_not_shown() -> None:
    gone = o.PersonErased(**HERE, person_ref=WORDS)
    assert summary_of(story(said(v.Agreed.YES), plan(), gone), directory()) is None


@pytest.mark.parametrize(
    ("need", "changed", "known"),
    [
        (v.Need.SENSITIVE, {}, True),
        (v.Need.DEBT, {"sensitive_needs": (v.SensitiveNeed.GAMBLING,)}, True),
        (v.Need.DEBT, {}, False),
    ],
    ids=["sensitive need", "service for a sensitive need", "service that left the directory"],
)
def test_service_that_may_be_sensitive_is_left_out(
    need: v.Need, changed: dict[str, Any], known: bool
) -> None:
    found = summary_of(
        story(said(v.Agreed.YES), prescribed(SECOND, need)), directory(**changed) if known else {}
    )
    assert found is not None
    assert found.services == ()


def test_goal_of_a_sensitive_need_is_left_out() -> None:
    found = summary_of(story(said(v.Agreed.YES), plan(v.Need.SENSITIVE)), directory())
    assert found is not None
    assert found.goals == ()
