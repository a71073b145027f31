"""Mistakes of people, feeds and producers, each with its answer, over the real front and the real bus."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from datetime import timedelta
from typing import Any

import httpx
import pytest

from deploy.local.reaper import ROOT
from shared.contract.events.envelope import Envelope
from shared.contract.events.outcomes import ContactAttempted
from shared.contract.events.topics import PARTS, source, topic
from shared.contract.events.vocabulary import Channel
from shared.delivery.model.facts import ReceivedEvent
from shared.platform.ids import new_id
from tests.harness.journey import travel as chapter
from tests.harness.journey.callers import at_home, page_reader
from tests.harness.journey.people import somebody
from tests.harness.journey.system import ADMIN, System, until
from tests.harness.journey.topics import log_of, put, say, set_aside
from tests.harness.journey.travel import REFERRALS, Journey

HERE = "meir"
OUTCOMES = topic(HERE, "outcome-recorded")
FEED = "/api/matching/v1/directory/imports"

REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "an NHS number with a wrong check digit": (
        {"nhs_number": "9997000019"},
        "/nhs_number",
        "nhs_number_check_digit",
    ),
    "an unknown practice": ({"practice": "Z99999"}, "/practice", "practice_unknown"),
    "a practice outside the programme": ({"practice": "M83007"}, "/practice", "practice_outside"),
    "no agreement": ({"agreed": False}, "/agreed", "no_agreement"),
    "no word of an agreement": ({"agreed": None}, "/agreed", "no_agreement"),
    "no risk statement": ({"risk": None, "risk_line": None}, "/risk", "missing"),
    "a risk that is not said": ({"risk_line": None}, "/risk_line", "missing"),
    "a date of birth in the future": (
        {"date_of_birth": "2031-02-03"},
        "/date_of_birth",
        "date_of_birth_future",
    ),
    "somebody under the minimum age": (
        {"date_of_birth": "2020-02-03"},
        "/date_of_birth",
        "under_minimum_age",
    ),
    "a postcode that does not exist": ({"postcode": "ST3 9ZZ"}, "/postcode", "postcode_unknown"),
    "what is no postcode": ({"postcode": "Stoke"}, "/postcode", "postcode_unknown"),
}


async def refused(system: System, **different: Any) -> httpx.Response:
    """The answer to a referral that is refused. No value of the referral may return in it."""
    practice = system.localities.by_slug[HERE].practices[0]
    who = somebody(practice, system.localities, **different)
    answer = await system.call("POST", REFERRALS, system.referrer(practice.ods), dict(who.body))
    assert answer.headers["content-type"] == "application/problem+json"
    echoed = [str(value) for value in different.values() if str(value) in answer.text and len(str(value)) > 4]
    assert not [
        text for text in (who.body["family_name"], who.body["telephone"], *echoed) if text in answer.text
    ]
    return answer


@pytest.mark.parametrize("what", REFUSED)
async def test_a_referral_is_refused_where_it_is_wrong(system: System, what: str) -> None:
    different, pointer, code = REFUSED[what]
    answer = await refused(system, **different)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)
    if code == "practice_outside":
        assert system.localities.hub.telephone in error["detail"]
    if code == "under_minimum_age":
        assert system.localities.by_slug[HERE].younger_people.telephone in error["detail"]


async def test_everything_wrong_is_said_at_once(system: System) -> None:
    answer = await refused(system, nhs_number="9997000019", agreed=False, risk=None, postcode="ST3 9ZZ")
    wrong = [error["pointer"] for error in answer.json()["errors"]]
    assert wrong == ["/nhs_number", "/postcode", "/risk", "/agreed"]


async def test_the_form_keeps_what_was_typed_and_says_what_is_wrong(system: System, case: Journey) -> None:
    typed = {"family_name": "Twickenwold", "nhs_number": "999 700 0019", "postcode": "ST3 9ZZ"}
    async with page_reader(system, at_home(system, case, "referrer")) as reader:
        answer = await reader.client.post("/referral/new", data={"csrf_token": reader.token, **typed})
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
    for text in (*typed.values(), "This is not an NHS number", "We do not know this postcode"):
        assert text in answer.text


async def test_two_megabytes_are_too_much(system: System) -> None:
    practice = system.localities.by_slug[HERE].practices[0]
    headers = system.bearer(system.referrer(practice.ods))
    body = b'{"reason": "' + b"x" * 2_000_000 + b'"}'
    for content in (body, _in_pieces(body)):
        answer = await system.http.post(
            REFERRALS, content=content, headers={**headers, "content-type": "application/json"}
        )
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"


async def _in_pieces(body: bytes) -> Any:
    """Sends a body in pieces, without its length in advance."""
    for start in range(0, len(body), 50_000):
        yield body[start : start + 50_000]


def service(number: int, **different: Any) -> dict[str, Any]:
    """A listing without a fault, except for these changes."""
    whole = {
        "id": f"6c1f0000-0000-4000-8000-{number:012d}",
        "name": f"Choir number {number} (example)",
        "description": "Singing together.",
        "status": "active",
        "email": "choir@choir.example",
        "url": "https://choir.example/",
        "assured_date": "2026-11-01",
        "organization": {"id": "6c1f0000-0000-4000-8000-0000000000ff", "name": "Choirs (example)"},
    } | different
    return {name: value for name, value in whole.items() if value is not None}


SPOILT: dict[str, dict[str, Any]] = {
    "name_blank": {"name": "  "},
    "description_only_html": {"description": "<div><br/></div>"},
    "text_too_long": {"description": "Singing. " * 16_200},
    "script_removed": {"description": "<img src=x onerror=alert(1)> Singing"},
    "organisation_missing": {"organization": None},
    "url_no_scheme": {"url": "www.choir.example"},
    "id_duplicate": {"id": "6c1f0000-0000-4000-8000-000000000000"},
    "assurance_stale": {"assured_date": "2019-05-01"},
    "spaces_removed": {"name": "Choir with a space (example) "},
    "location_missing": {},
}


async def test_a_feed_with_every_defect_is_survived_and_reported(system: System) -> None:
    records = [service(0), *(service(n + 1, **spoilt) for n, spoilt in enumerate(SPOILT.values()))]
    answer = await system.call("POST", FEED, ADMIN, {"contents": records}, feed="spoilt")
    assert answer.status_code == 201, answer.text
    report = answer.json()
    assert report["records"] == len(records)
    assert set(SPOILT) <= {defect["code"] for defect in report["defects"]}
    # A listing without a name and the second of two with the same id are refused.
    assert report["services"] == len(records) - 2
    assert all(defect["sentence"] and defect["record"] for defect in report["defects"])
    found = await system.http.get("/api/matching/v1/services", headers=system.bearer("lw-meir-1"))
    assert "onerror" not in found.text
    assert "<img" not in found.text


NO_FEED = {
    "a page that says so": b"<html>Not found</html>",
    "an error in JSON": b'{"detail": "Not found"}',
    "no services": b'{"contents": []}',
    "nothing": b"",
}


@pytest.mark.parametrize("what", NO_FEED)
async def test_what_is_no_feed_takes_nothing_away(system: System, what: str) -> None:
    kept = await system.call("POST", FEED, ADMIN, {"contents": [service(0)]}, feed="spoilt")
    assert kept.json()["services"] == 1
    answer = await system.http.post(
        FEED, params={"feed": "spoilt"}, content=NO_FEED[what], headers=system.bearer(ADMIN)
    )
    assert (answer.status_code, answer.json()["services"]) == (201, 0)
    found = await system.done("GET", f"/api/matching/v1/services/{service(0)['id']}", "lw-meir-1")
    assert found["service"]["status"] == "active"


def contacted(system: System, case: Journey) -> Envelope:
    """A valid event about the case, as matching would publish it."""
    now = system.clock()
    body = ContactAttempted(referral_id=case.referral, locality=HERE, channel=Channel.PHONE, reached=True)
    raw = body.model_dump_json(exclude_none=True).encode()
    return Envelope(new_id(), source(HERE, "casework"), "outcome-recorded", now, now, body, raw)


SET_ASIDE: dict[str, dict[str, bytes]] = {
    "later_version": {"ce_type": b"org.linkwork.outcome-recorded.v2"},
    "unknown_type": {"ce_type": b"org.linkwork.weather-changed.v1"},
    "wrong_source": {"ce_source": b"/atlantis/matching"},
    "wrong_locality": {},
}


@pytest.mark.parametrize("reason", SET_ASIDE)
async def test_an_event_of_a_later_version_or_elsewhere_is_set_aside(
    system: System, case: Journey, reason: str
) -> None:
    event = contacted(system, case)
    headers = list({**dict(event.headers()), **SET_ASIDE[reason]}.items())
    raw = event.raw.replace(b'"meir"', b'"atlantis"') if reason == "wrong_locality" else event.raw
    place = await put(system.kafka, OUTCOMES, raw, case.referral.encode(), headers)

    async def by_all() -> bool:
        return await set_aside(system.kafka, place) == dict.fromkeys(PARTS, reason)

    await until(by_all, f"a dead letter: {reason}")
    await _goes_on(system, case)


async def test_an_event_of_an_unknown_kind_is_kept_and_changes_nothing(system: System, case: Journey) -> None:
    event = contacted(system, case)
    raw = event.raw.replace(b"contact_attempted", b"moon_visited")
    assert raw != event.raw
    before = await _history(system, case)
    headers = event.headers()
    await put(system.kafka, OUTCOMES, raw, case.referral.encode(), headers)
    await _goes_on(system, case)
    log = await log_of(system.kafka, (HERE,))
    assert event.id in {ReceivedEvent.of(each).fact.id for each in log.said()}
    after = [each for each in await _history(system, case) if each not in before]
    assert [each["kind"] for each in after] == ["contact_attempted"]


async def _goes_on(system: System, case: Journey) -> None:
    """Checks that later events are received as before."""
    before = len(await _history(system, case))
    event = contacted(system, case)
    await say(system.kafka, event)

    async def heard() -> bool:
        return len(await _history(system, case)) > before

    await until(heard, "the event after the bad one")


async def _history(system: System, case: Journey) -> list[dict[str, Any]]:
    shown = await system.done("GET", f"{REFERRALS}/{case.referral}", system.referrer(case.who.practice.ods))
    history: list[dict[str, Any]] = shown["history"]
    return history


async def test_a_locality_that_does_not_exist(system: System) -> None:
    for path in ("/api/evaluation/v1/figures", "/api/notifications/v1/failures"):
        answer = await system.call("GET", path, ADMIN, locality="atlantis")
        assert answer.status_code == 404, path
    variables = {"LINKWORK_ENV": "development", "LINKWORK_LOCALITIES": "atlantis", "PATH": os.environ["PATH"]}
    variables["LINKWORK_CONTROL_TOPIC"] = "none"
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.evaluation"), cwd=ROOT, env=variables, stderr=PIPE
    )
    _, said = await started.communicate()
    assert started.returncode == 1
    assert said.startswith(b"There is no locality atlantis. There are: meir,"), said


async def test_a_link_that_is_altered_or_expired(system: System, case: Journey) -> None:
    await chapter.asked(system, case)
    async with chapter.browser(system) as service:
        assert (await service.get(case.link)).status_code == 200
        middle = len(case.link) // 2
        other = "A" if case.link[middle] != "A" else "B"
        altered = f"{case.link[:middle]}{other}{case.link[middle + 1 :]}"
        for link in (altered, case.link[:-3], "/s/x", f"{case.link}{'x' * 3000}"):
            answer = await service.get(link)
            assert answer.status_code == 404, link[-20:]
            assert "This link does not work" in answer.text
            assert system.localities.hub.telephone in answer.text
        system.clock.move_to(system.clock() + timedelta(days=29))
        answer = await service.get(case.link)
    assert answer.status_code == 410
    assert "This link is no longer in use" in answer.text
