"""One-tap links and the codes that go with them."""

import asyncio
import re
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.casework.consents import enter_earlier_consents, recorded_consents, was_recorded
from services.matching.prescribing.inputs import FirstVisit, ServiceReply
from services.matching.provider.links import LinkAltered, LinkExpired, Links
from services.matching.provider.one_time_codes import (
    CODE_MINUTES,
    CODES_AN_HOUR,
    TRIES,
    CodeExpired,
    Codes,
    TooManyCodes,
    WrongCode,
)
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.platform.ids import new_id
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from tests.harness.matching.plans import prescribed
from tests.harness.matching.service_harness import FakeClock, MatchingHarness

OF, SERVICE = new_id(), new_id()


def links(clock: FakeClock, key: str = "k" * 32) -> Links:
    return Links(key, "https://linkwork.example.org", 28, clock)


def _mailer(town: MatchingHarness) -> dict[str, str]:
    """Headers of the service that mails links."""
    return town.bearer("service", localities=["*"], scopes="links:write")


def test_a_link_says_what_was_put_into_it_and_no_more() -> None:
    clock = FakeClock()
    token = links(clock).token("meir", OF, SERVICE)
    claims = links(clock).read(token)
    assert (claims.locality, claims.prescription_id, claims.service_id) == ("meir", OF, SERVICE)
    assert claims.expires_at == clock.now + timedelta(days=28)
    assert links(clock).url(token) == f"https://linkwork.example.org/s/{token}"


@given(st.sampled_from(["meir", "leek-werrington", "stone-and-eccleshall"]), st.uuids(), st.uuids())
def test_link_is_small_letters_and_digits_alone(locality: str, of: UUID, service: UUID) -> None:
    token = links(FakeClock()).token(locality, str(of), str(service), 3)
    assert re.fullmatch("[a-z2-7]+", token)
    assert len(token) <= 130
    claims = links(FakeClock()).read(token)
    assert (claims.prescription_id, claims.service_id, claims.generation) == (str(of), str(service), 3)


@given(st.data())
def test_link_that_a_mail_program_spoilt_is_read(data: st.DataObject) -> None:
    token = links(FakeClock()).token("meir", OF, SERVICE)
    spoilt = "".join(data.draw(st.sampled_from([sign, sign.upper()])) for sign in token)
    place = data.draw(st.integers(0, len(token)))
    added = data.draw(st.sampled_from(["", " ", "\n", "\r\n ", "-", "=\r\n", "\u00ad", "%"]))
    after = data.draw(st.sampled_from(["", ".", ",", ")", ">", "’", "”.", "/", " "]))
    assert links(FakeClock()).read(spoilt[:place] + added + spoilt[place:] + after) == links(
        FakeClock()
    ).read(token)


def test_a_link_ends() -> None:
    clock = FakeClock()
    token = links(clock).token("meir", OF, SERVICE)
    clock.now += timedelta(days=28)
    with pytest.raises(LinkExpired):
        links(clock).read(token)


def test_another_key_does_not_open_it() -> None:
    clock = FakeClock()
    with pytest.raises(LinkAltered):
        links(clock).read(links(clock, "o" * 32).token("meir", OF, SERVICE))


@given(st.data())
def test_an_altered_link_is_not_believed(data: st.DataObject) -> None:
    clock = FakeClock()
    token = links(clock).token("meir", OF, SERVICE)
    place = data.draw(st.integers(0, len(token) - 1))
    sign = data.draw(st.sampled_from("abcxyz234-_."))
    altered = token[:place] + sign + token[place + 1 :]
    if altered == token:
        return
    # The last sign of base32 may carry bits that are not used: another sign may spell the same signature.
    if place == len(token) - 1:
        return
    with pytest.raises(LinkAltered):
        links(clock).read(altered)


@given(st.text(max_size=1200))
def test_nonsense_is_no_link(nonsense: str) -> None:
    with pytest.raises(LinkAltered):
        links(FakeClock()).read(nonsense)


async def test_a_code_works_once(town: MatchingHarness) -> None:
    codes, of = Codes(town.kernel.mongo, "key", town.clock), new_id()
    code = await codes.make("meir", of)
    assert len(code) == 6
    checked = await codes.check("meir", of, f"{code[:3]} {code[3:]}")

    async def used() -> bool:
        try:
            await codes.use("meir", of, checked)
        except CodeExpired:
            return False
        return True

    assert sorted(await asyncio.gather(*(used() for _ in range(5)))) == [False, False, False, False, True]
    with pytest.raises(CodeExpired):
        await codes.check("meir", of, code)
    row = await town.kernel.mongo["codes"].find_one({"_id": f"meir/{of}"})
    assert code not in str(row)


async def test_that_a_name_was_shown_is_known_longer_than_any_code(town: MatchingHarness) -> None:
    codes, of = Codes(town.kernel.mongo, "key", town.clock), new_id()
    code = await codes.make("meir", of)
    assert await codes.shown_at("meir", of) is None
    await codes.use("meir", of, await codes.check("meir", of, code))
    assert await codes.shown_at("meir", of) == town.clock.now
    await codes.make("meir", of)  # a second look does not shorten it
    row = await town.kernel.mongo["codes"].find_one({"_id": f"meir/{of}"})
    assert row is not None
    assert row["forget_at"] > town.clock.now + timedelta(days=365)
    assert await codes.shown_at("meir", of) == town.clock.now


async def test_asking_for_a_second_look_is_written_down_as_such(
    town: MatchingHarness, caplog: pytest.LogCaptureFixture
) -> None:
    referral, of = await prescribed(town, may_share="yes")
    by = _mailer(town)
    token = (await town.post(f"/prescriptions/{of}/link", of=by)).json()["url"].rpartition("/")[2]
    features, queries = town.app.state.features, town.app.state.features.queries
    await features.provider.answer_link(token, ServiceReply(v.Reply.ACCEPTED))
    caplog.set_level("INFO", "linkwork.audit")
    for _ in range(2):
        with suppress(Problem):  # perhaps nobody takes mail here, but it was asked for
            await features.provider.send_code(token)
        code = await features.provider.codes.make(town.slug, of)
        await features.provider.codes.use(
            town.slug, of, await features.provider.codes.check(town.slug, of, code)
        )
    asked = [record.__dict__["action"] for record in caplog.records if record.name == "linkwork.audit"]
    assert asked == ["ask_code", "ask_code_again"]
    assert (await queries.provider.ask(token)).seen_at == town.clock.now
    assert (await town.view(referral)).story.prescriptions[0].status == "accepted"


async def test_a_code_has_few_tries_and_a_short_life(town: MatchingHarness) -> None:
    codes = Codes(town.kernel.mongo, "key", town.clock, lambda: "123456")
    guessed, late = new_id(), new_id()
    await codes.make("meir", guessed)
    for _ in range(TRIES):
        with pytest.raises(WrongCode):
            await codes.check("meir", guessed, "654321")
    with pytest.raises(WrongCode):
        await codes.check("meir", guessed, "123456")
    await codes.make("meir", late)
    town.clock.now += timedelta(minutes=CODE_MINUTES)
    with pytest.raises(CodeExpired):
        await codes.check("meir", late, "123456")
    with pytest.raises(CodeExpired):
        await codes.check("meir", new_id(), "123456")


async def test_codes_are_not_sent_without_end(town: MatchingHarness) -> None:
    codes, of = Codes(town.kernel.mongo, "key", town.clock), new_id()
    for _ in range(CODES_AN_HOUR):
        await codes.make("meir", of)
    with pytest.raises(TooManyCodes):
        await codes.make("meir", of)
    town.clock.now += timedelta(hours=1)
    await codes.make("meir", of)


async def test_a_service_answers_by_link_and_changes_its_answer(town: MatchingHarness) -> None:
    referral, of = await prescribed(town)
    given = await town.post(f"/prescriptions/{of}/link", of=_mailer(town))
    token = given.json()["url"].rpartition("/")[2]
    features, queries = town.app.state.features, town.app.state.features.queries
    before = await town.view(referral)
    seen = await queries.provider.ask(token)
    assert (seen.need, seen.area, seen.answered, seen.may_reveal) == (v.Need.BEFRIENDING, "ST3", None, False)
    assert await town.view(referral) == before  # looking changes nothing
    for reply, weeks in ((v.Reply.WAITING_LIST, 6), (v.Reply.ACCEPTED, None), (v.Reply.ACCEPTED, None)):
        await features.provider.answer_link(token, ServiceReply(reply, weeks))
    view = await town.view(referral)
    assert view.story.prescriptions[0].status == "accepted"
    assert sum(fact.kind == "provider_replied" for fact in view.facts) == 2
    assert (await queries.provider.ask(token)).may_reveal
    await features.provider.visited_link(token, FirstVisit(town.clock.now.date()))
    assert (await town.view(referral)).story.first_visit is not None


async def refused(awaited: object) -> tuple[int, str | None]:
    with pytest.raises(Problem) as problem:
        await awaited  # type: ignore[misc]  # an awaitable of whatever
    return problem.value.status_code, problem.value.code


async def test_no_name_without_a_yes_from_both(town: MatchingHarness) -> None:
    _, of = await prescribed(town, may_share="no")
    token = (await town.post(f"/prescriptions/{of}/link", of=_mailer(town))).json()["url"].rpartition("/")[2]
    features = town.app.state.features
    await features.provider.answer_link(token, ServiceReply(v.Reply.ACCEPTED))
    assert await refused(features.provider.send_code(token)) == (409, "not_agreed")
    assert await refused(features.provider.reveal(token, "123456")) == (409, "not_agreed")
    assert not (await town.app.state.features.queries.provider.ask(token)).may_reveal


async def test_a_link_of_a_closed_or_undone_case_says_so(town: MatchingHarness) -> None:
    referral, of = await prescribed(town)
    by, service = town.link_worker(), _mailer(town)
    token = (await town.post(f"/prescriptions/{of}/link", of=service)).json()["url"].rpartition("/")[2]
    features, queries = town.app.state.features, town.app.state.features.queries
    await town.post(f"/referrals/{referral}/close", {"reason": "completed"}, of=by)
    assert (await queries.provider.ask(token)).closed
    assert await refused(features.provider.answer_link(token, ServiceReply(v.Reply.ACCEPTED))) == (
        409,
        "case_ended",
    )
    assert (await town.post(f"/prescriptions/{of}/link", of=service)).status_code == 409
    await town.post(f"/referrals/{referral}/reopen", {}, of=by)
    said = next(fact for fact in (await town.view(referral)).facts if fact.kind == "service_prescribed")
    undo = {"source": said.source, "event_id": said.id}
    assert (await town.post(f"/referrals/{referral}/retractions", undo, of=by)).status_code == 201
    assert await refused(queries.provider.ask(token)) == (410, "no_longer_asked")
    assert await refused(queries.provider.ask(token[:-9])) == (404, "link_altered")


async def test_two_services_of_one_name_do_not_answer_for_each_other(town: MatchingHarness) -> None:
    _, of = await prescribed(town)
    forged = town.app.state.links.token(town.slug, of, new_id())
    assert await refused(town.app.state.features.queries.provider.ask(forged)) == (410, "no_longer_asked")


async def test_forged_consent_discloses_nothing(town: MatchingHarness) -> None:
    """Neither a yes of a source without the right, nor one that somebody wrote in casework's name."""
    referral, of = await prescribed(town, may_share="not_asked")
    token = await _token(town, of)
    features, queries = town.app.state.features, town.app.state.features.queries
    await features.provider.answer_link(token, ServiceReply(v.Reply.ACCEPTED))
    for by in ("history", "stranger", "casework", "matching"):
        for agreement, prescription in ((v.Agreement.SERVICE, of), (v.Agreement.DETAILS_TO_GP, None)):
            await town.say(
                o.SharingChanged(
                    referral_id=referral,
                    locality=town.slug,
                    agreement=agreement,
                    agreed=v.Agreed.YES,
                    prescription_id=prescription,
                ),
                by,
            )
    for _ in range(100):
        view = await town.kernel.view(town.slug, referral)
        assert view is not None
        if view.story.details_to_gp is v.Agreed.YES and len(view.facts) >= 8:
            break
        await asyncio.sleep(0.1)
    assert view is not None
    assert view.story.prescriptions[0].may_share is v.Agreed.YES, "the fold believes our own source"
    asked = await queries.provider.ask(token)
    assert (asked.shared, asked.may_reveal) == (False, False)
    for attempt in (features.provider.send_code(token), features.provider.reveal(token, "123456")):
        with pytest.raises(Problem) as refused:
            await attempt
        assert refused.value.code == "not_agreed"
    reader = Principal("linkwork-referral", "service", frozenset({"*"}), scopes=frozenset({"plans:read"}))
    assert await queries.casework.plan_summaries(reader, town.slug, [referral], "asha") == {}


async def test_consents_of_before_the_store_are_entered_once(town: MatchingHarness) -> None:
    referral, of = await prescribed(town, may_share="not_asked")
    said: dict[str, Any] = {"referral_id": referral, "locality": town.slug, "agreement": v.Agreement.SERVICE}
    yes = o.SharingChanged(**said, agreed=v.Agreed.YES, prescription_id=of)
    await town.say(yes, "matching")
    for _ in range(100):
        view = await town.kernel.view(town.slug, referral)
        assert view is not None
        if view.story.prescriptions[0].may_share is v.Agreed.YES:
            break
        await asyncio.sleep(0.1)
    await town.kernel.mongo["consents"].delete_one({"_id": "entered"})
    await enter_earlier_consents(town.kernel)
    recorded = await recorded_consents(town.kernel.mongo, town.slug, referral)
    assert view is not None
    assert was_recorded(view, recorded, v.Agreement.SERVICE, of)
    await town.kernel.mongo["consents"].delete_one({"_id": f"{town.slug}/{referral}"})
    await enter_earlier_consents(town.kernel)
    assert await recorded_consents(town.kernel.mongo, town.slug, referral) == frozenset()


async def test_recorded_consent_of_an_erased_person_is_deleted(town: MatchingHarness) -> None:
    referral, _ = await prescribed(town)
    assert await recorded_consents(town.kernel.mongo, town.slug, referral)
    await town.say(o.PersonErased(referral_id=referral, locality=town.slug, person_ref=referral))
    await town.until(referral, lambda view: view["stage"] == "erased")
    assert await recorded_consents(town.kernel.mongo, town.slug, referral) == frozenset()


async def _token(town: MatchingHarness, of: str) -> str:
    made = await town.post(f"/prescriptions/{of}/link", of=_mailer(town))
    return str(made.json()["url"].rpartition("/")[2])
