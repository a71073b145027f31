"""Two keys in use: what the older one made still counts, the newer one makes what is new."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from fastapi import Request, Response
from pydantic import SecretStr, ValidationError

from services.matching.provider.links import LinkAltered, Links
from services.notifications.webhooks.sealing import CannotUnseal, Sealing
from shared.delivery.dlq.dead_letters import DeadLetter, DeadLetters
from shared.platform.key_ring import KeyRing, split_keys
from shared.platform.web.csrf import FormTokens
from shared.platform.web.granted import Granted
from shared.platform.web.problem import Problem
from shared.platform.web.session import Sessions
from shared.platform.web.settings import ServiceSettings
from tests.harness.web.production import PRODUCTION


@dataclass(frozen=True)
class Record:
    """A record as the consumer gives it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


OLD, NEW = "o" * 32, "n" * 32
# A rotation, step by step: each list must read what the one before it wrote, and the other way round.
PRESCRIPTION = "01938f1c-7c1e-7d5a-9a52-3a1f0e7b9c11"
STEPS = (OLD, f"{OLD},{NEW}", f"{NEW},{OLD}", NEW)

RECORD = Record("meir.referral-created.v1", 0, 17, b"key", b"value", [("x", b"y")])


def clock() -> datetime:
    return datetime(2026, 11, 30, 12, tzinfo=UTC)


def request(cookies: dict[str, str]) -> Request:
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return Request({"type": "http", "method": "GET", "path": "/", "headers": [(b"cookie", header.encode())]})


def settings(keys: str) -> ServiceSettings:
    return ServiceSettings(env="development", session_key=SecretStr(keys))


def test_a_list_is_split_at_commas_and_lines() -> None:
    assert split_keys(" a b , c\n\nd,,") == ("a b", "c", "d")
    assert KeyRing.of("a,b,a").ids == KeyRing.of(b"a,b").ids
    with pytest.raises(ValueError, match="needs a key"):
        KeyRing.of(" , ")


def test_the_id_of_a_key_shows_nothing_of_it() -> None:
    ring = KeyRing.of(f"{NEW},{OLD}")
    assert NEW not in repr(ring.newest)
    assert len(set(ring.ids)) == 2
    assert all(len(each) == 16 for each in ring.ids)


def granted() -> Granted:
    return Granted({"sub": "tester", "role": "referrer"}, clock() + timedelta(hours=1), "tester")


@pytest.mark.parametrize(("before", "after"), pairwise(STEPS))
def test_sessions_and_forms_stay_valid_beside_each_other(before: str, after: str) -> None:
    for writes, reads in ((before, after), (after, before)):
        writing, reading = Sessions(settings(writes), clock), Sessions(settings(reads), clock)
        response = Response()
        session = writing.start(response, granted())
        name, _, value = response.headers["set-cookie"].partition(";")[0].partition("=")
        asked = request({name: value, "linkwork-browser": "browser"})
        assert reading.current(asked) == session
        token = FormTokens(settings(writes), writing).token(asked)
        FormTokens(settings(reads), reading).check(asked, token)


def test_a_cookie_and_a_form_of_a_removed_key_are_refused() -> None:
    old, new = Sessions(settings(OLD), clock), Sessions(settings(NEW), clock)
    response = Response()
    old.start(response, granted())
    name, _, value = response.headers["set-cookie"].partition(";")[0].partition("=")
    asked = request({name: value, "linkwork-browser": "browser"})
    assert new.current(asked) is None
    with pytest.raises(Problem):
        FormTokens(settings(NEW), new).check(asked, FormTokens(settings(OLD), old).token(asked))


@pytest.mark.parametrize(("before", "after"), pairwise(STEPS))
def test_links_letters_and_endpoints_are_read_by_both_lists(before: str, after: str) -> None:
    for writes, reads in ((before, after), (after, before)):
        made = Links(writes, "https://x.example.org", 28, clock).token("meir", PRESCRIPTION, PRESCRIPTION)
        assert Links(reads, "https://x.example.org", 28, clock).read(made).locality == "meir"
        letter = DeadLetters("matching", writes.encode()).seal(DeadLetter(RECORD, "bad_json"))
        assert DeadLetters("matching", reads.encode()).open(letter).value == b"value"
        sealed = Sealing(writes.encode()).seal("https://hooks.example.org/x", "one")
        assert Sealing(reads.encode()).unseal(sealed, "one") == "https://hooks.example.org/x"


def test_what_a_removed_key_made_is_unreadable() -> None:
    made = Links(OLD, "https://x.example.org", 28, clock).token("meir", PRESCRIPTION, PRESCRIPTION)
    with pytest.raises(LinkAltered):
        Links(NEW, "https://x.example.org", 28, clock).read(made)
    letter = DeadLetters("matching", OLD.encode()).seal(DeadLetter(RECORD, "bad_json"))
    with pytest.raises(ValueError, match="sealed with another key"):
        DeadLetters("matching", NEW.encode()).open(letter)
    with pytest.raises(CannotUnseal):
        Sealing(NEW.encode()).unseal(Sealing(OLD.encode()).seal("x", "one"), "one")


def test_a_letter_names_its_key_and_can_be_sealed_anew() -> None:
    old, both = DeadLetters("matching", OLD.encode()), DeadLetters("matching", f"{NEW},{OLD}".encode())
    letter = old.seal(DeadLetter(RECORD, "bad_json"))
    assert both.key_of(letter) == letter.headers["dlq-key"] == KeyRing.of(OLD).newest.id
    anew = both.sealed_anew(letter)
    assert both.key_of(anew) == anew.headers["dlq-key"] == KeyRing.of(NEW).newest.id
    alone = DeadLetters("matching", NEW.encode())
    assert alone.open(anew) == old.open(letter)


def test_each_key_of_a_list_is_held_to_the_rules() -> None:
    good, other = PRODUCTION["session_key"], "Wm3XqTz8vKd1Fo6RbYc5Lj2NgSe9PuAi"
    both = ServiceSettings.model_validate(PRODUCTION | {"session_key": f"{other},{good}"})
    assert both.secrets()["session_key[2]"] == good
    for wrong, said in (
        (f"{good},short", "LINKWORK_SESSION_KEY is too short"),
        (f"{other},{good},{other}", r"LINKWORK_SESSION_KEY and LINKWORK_SESSION_KEY\[3\] are equal"),
        (f"{other},{PRODUCTION['dead_letter_key']}", r"LINKWORK_DEAD_LETTER_KEY.*are equal"),
        (f"{good},development-only-session-key-000001", "is the development secret"),
        (" , ", "LINKWORK_SESSION_KEY is not set"),
    ):
        with pytest.raises(ValidationError, match=said):
            ServiceSettings.model_validate(PRODUCTION | {"session_key": wrong})
