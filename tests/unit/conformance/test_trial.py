"""A trial's report, in which repeated looks stand once; and the tokens that the kit asks with."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from conformance.clause import Clause, NotTried, clauses_of
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
