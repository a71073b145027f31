"""A trial's report, in which repeated looks stand once; and the tokens that the kit asks with."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from conformance.bus import Refused
from conformance.clause import Clause, NotTried, clauses_of
from conformance.events import Event
from conformance.issuer import AUDIENCE, Issuer
from conformance.kit import Kit
from conformance.settings import Kafka, Settings
from conformance.trial import Trial

BOOK_3: Clause = next(each for each in clauses_of("booking") if each.name == "BOOK-3")


def trial(**settings: Any) -> Trial:
    kit = SimpleNamespace(settings=Settings(Kafka("broker:9092"), "booking", **settings))
    return Trial(BOOK_3, cast("Kit", kit))


def look(at: Trial, asked: str, answered: str) -> None:
    with at.last_only():
        at.sent.append(asked)
        at.came.append(answered)


def test_looks_leave_the_last_alone() -> None:
    at = trial()
    at.sent.append("said")
    for answered in ("waiting", "waiting", "booked"):
        look(at, "state", answered)
    assert (at.sent, at.came) == (["said", "state"], ["booked"])


def test_look_after_another_word_keeps_the_one_before() -> None:
    at = trial()
    look(at, "state", "waiting")
    at.sent.append("said")
    look(at, "state", "booked")
    assert at.sent == ["state", "said", "state"]
    assert at.came == ["booked"]


def event(referral: str, **data: Any) -> Event:
    body = {"referral_id": referral, "locality": "sandbox", **data}
    moment = datetime(2026, 1, 5, 9, tzinfo=UTC)
    return Event("0", "/sandbox/b", "meeting-booked", body, moment, moment)


def heard(*events: Event, refused: tuple[Refused, ...] = ()) -> Trial:
    """A trial of the referral `r`, of which the part `b` has said these facts."""
    at = trial(source="/sandbox/b")
    by_referral = {"r": list(events)}
    bus = SimpleNamespace(refused=list(refused), said_by=lambda _, referral: by_referral.get(referral, []))
    at.kit = cast("Kit", SimpleNamespace(settings=at.kit.settings, bus=bus))
    at.referrals["r"] = "sandbox"
    return at


def test_refusals_of_the_trial_stand_in_its_report() -> None:
    told = (
        Refused("invalid_body", "the body differs at /minutes", event("r")),
        Refused("not_owner", "the inbox has ended", event("r")),
        Refused("wrong_key", "the key must be the referral", event("another")),
        Refused("not_cloudevents", "it needs headers", None),
    )
    at = heard(refused=told)
    assert at.heard_lines().count("refused by admission") == 3
    assert "invalid_body (the body differs at /minutes): meeting_booked" in at.heard_lines()
    assert "a record that the kit cannot read" in at.evidence()[-1]
    assert at.refused_lines("not_owner") == [told[1].line()]


def test_fact_that_differs_from_its_schema_is_named() -> None:
    assert not heard().malformed()
    assert "/minutes (type)" in heard(event("r", minutes="thirty")).malformed()


def test_operations_without_address_are_not_tried() -> None:
    with pytest.raises(NotTried, match="--api"):
        _ = trial().api


@pytest.mark.parametrize(
    ("source", "audience"), [("/sandbox/b", "http://part.example"), ("/sandbox/booking", AUDIENCE)]
)
def test_token_names_an_owner_elsewhere_as_audience(source: str, audience: str) -> None:
    asked: dict[str, Any] = {}

    class Recording(Issuer):
        def token(self, **claims: Any) -> str:
            asked.update({"aud": AUDIENCE, **claims})
            return "token"

    settings = Settings(Kafka("broker:9092"), "booking", source=source, api="http://part.example")
    kit = SimpleNamespace(settings=settings, server=SimpleNamespace(issuer=Recording("http://kit.example")))
    assert Kit.token(cast("Kit", kit), scope="meetings:read") == "token"
    assert asked["aud"] == audience
