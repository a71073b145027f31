"""`examples/intake-java`: a partner's referral part by the contract alone, killed, refused and given back."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest_asyncio
from fastapi import FastAPI

from deploy.local.ports import free_port
from services.matching.app import create_app
from services.matching.settings import MatchingSettings
from shared.contract.events.outcomes import ReferralReturned
from shared.contract.events.topics import event_topics
from shared.contract.events.vocabulary import ReturnReason
from shared.delivery.mongo.database import Mongo
from shared.platform.clock import system_clock
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.letters import until as comes_true
from tests.harness.matching.service_harness import FakeClock
from tests.harness.referral.admission import heard
from tests.harness.referral.booking_js import link_worker
from tests.harness.referral.intake_java import (
    FOLDER,
    NAME,
    ROOT,
    IntakeJava,
    compiled_intake,
    form,
    intake_java,
)
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import running_referral
from tests.harness.web.forms import browser
from tests.harness.web.issuer import LoopbackIssuer


@pytest_asyncio.fixture(scope="module")
async def command(tmp_path_factory: Any) -> list[str]:
    return await compiled_intake(tmp_path_factory.mktemp("compiled"))


@pytest_asyncio.fixture(scope="module")
async def part(
    issuer: LoopbackIssuer, kafka: KafkaConnection, mongo_url: str, command: list[str], tmp_path_factory: Any
) -> AsyncIterator[IntakeJava]:
    """The part, which owns referral of its locality as of epoch 1."""
    folder, port = tmp_path_factory.mktemp("intake"), free_port()
    source = (
        f'{{ name = "{NAME}", part = "referral", rank = 30, vault = "own", api = "http://127.0.0.1:{port}" }}'
    )
    more: dict[str, Any] = {"adds": source, "brings": NAME, "part": "referral", "session_timeout_ms": 3000}
    async with (
        running_referral(folder, issuer, kafka, mongo_url, **more) as referral,
        intake_java(referral, command, folder, port) as made,
    ):
        await made.start()
        await made.hand_over(NAME, 1)
        yield made


async def creations(part: IntakeJava, *referrals: str) -> list[tuple[str, str]]:
    """Referral and id of each creation in its topic, repeats left out, once each of these has one."""
    keys = {each.encode() for each in referrals}
    topic = event_topics(part.referral.here)[0]
    found = await heard(part.referral.kafka, [topic], len(keys), 30, lambda each: each.key in keys)
    return sorted({((each.key or b"").decode(), dict(each.headers)["ce_id"].decode()) for each in found})


@asynccontextmanager
async def matching(
    part: IntakeJava, mongo_url: str, clock: FakeClock
) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """Our booking, casework and directory of the locality, with one link worker. Gives app and client."""
    referral = part.referral
    given = referral.issuer.settings(
        MatchingSettings,
        **referral.kafka.settings(),
        mongo_url=mongo_url,
        database=f"test_matching_{referral.here.replace('-', '_')}",
        localities_file=referral.settings.localities_file,
        localities=referral.here,
        token_url=f"{part.linkwork.address}/token",
    )
    app = create_app(given, clock=clock)
    base = "http://localhost:8080"
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base) as http,
    ):
        entry = link_worker(referral.here, 1)
        headers = referral.issuer.bearer(role="programme_admin", localities=[referral.here])
        put = await http.put(f"/api/matching/v1/link-workers/{entry['id']}", json=entry, headers=headers)
        assert put.status_code == 200, put.text
        yield app, http
    mongo = Mongo(mongo_url, given.database)
    await mongo.client.drop_database(given.database)
    mongo.client.close()


def test_part_has_under_400_lines() -> None:
    assert sum(len(path.read_text().splitlines()) for path in FOLDER.glob("*.java")) < 400


def test_fold_agrees_with_the_vectors(command: list[str]) -> None:
    vectors = sorted((ROOT / "shared/contract/history/vectors").glob("*.json"))
    environment = {**os.environ, "CONTRACT": str(ROOT / "shared/contract")}
    folds = [*command[:-1], "State", *map(str, vectors)]
    ran = subprocess.run(folds, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stdout + ran.stderr


async def test_person_is_referred_met_and_erased(part: IntakeJava, mongo_url: str) -> None:
    here, clock, asked = part.referral, FakeClock(system_clock()), referral_body()
    name = f"{asked['given_name']} {asked['family_name']}"
    async with matching(part, mongo_url, clock) as (app, client):
        made = await part.refer(asked)
        view = await here.until(made, stage="booked")
        await part.listed(made, stage="booked", name=name, unsaid=0)
        worker = {"role": "link_worker", "localities": [here.here], "link_worker": f"lw-{here.here}-1"}
        async with browser(app, here.issuer.signed_in(app, **worker)) as pages:
            async with asyncio.timeout(30):  # A page waits for 2 s, and shows what it has.
                while name not in (await pages.get(f"/matching/cases/{made}")).text:
                    await asyncio.sleep(0.2)
        meeting = view["meeting"]
        clock.now = meeting["starts_at"] + timedelta(hours=1)
        times = {"iat": int(clock.now.timestamp()) - 5, "exp": int(clock.now.timestamp()) + 600}
        headers = here.issuer.bearer(**worker, **times, nbf=times["iat"])
        met = await client.post(f"/api/matching/v1/meetings/{meeting['id']}/attended", headers=headers)
        assert met.status_code == 200, met.text
        await part.listed(made, stage="met")
        await part.desk("POST", f"/{made}/erased", {})
        assert (await part.claim(made)).status_code == 410
        await here.until(made, stage="erased")
        await part.listed(made, stage="erased", name="")
    stored = (part.folder / f"{here.here}.sqlite").read_bytes()
    assert asked["family_name"].encode() not in stored


async def test_kill_between_outbox_and_broker_loses_nothing(part: IntakeJava) -> None:
    before = await asyncio.gather(*(part.refer(referral_body()) for _ in range(8)))
    await part.kill()  # Some lie in the outbox, some in the inbox, and some were read again.
    await part.start()
    after = await part.refer(referral_body())
    made = await creations(part, *before, after)
    assert [referral for referral, _ in made] == sorted([*before, after])


async def test_refused_creation_is_shown_and_the_person_referred_again(part: IntakeJava) -> None:
    asked = referral_body()
    wrong = await part.refer(asked, part.referral.far_practice)
    line = await part.listed(wrong, stage="unknown")
    assert line["refused"].split() == ["unknown_practice", "/data/practice"]
    made = await part.refer(asked)
    assert [referral for referral, _ in await creations(part, made)] == [made]


async def test_body_of_another_form_is_refused_before_it_is_said(part: IntakeJava) -> None:
    wrong = form(referral_body())
    wrong["referral"]["needs"] = ["Quillfeather"]
    told = await part.desk("POST", body=wrong, status=422)
    assert [each["pointer"] for each in told["errors"]] == ["/needs/0"]
    assert "Quillfeather" not in str(told)


async def test_returned_referral_is_sent_again(part: IntakeJava) -> None:
    asked = referral_body()
    first = await part.refer(asked)
    twice = await part.desk("POST", body=form(asked), status=409)
    assert (twice["type"], twice["referral_id"]) == ("urn:linkwork:problem:open_referral", first)
    await part.referral.until(first, stage="waiting")
    why = ReturnReason.MORE_DETAIL
    await part.referral.say(
        ReferralReturned(referral_id=first, locality=part.referral.here, reason=why), by="casework"
    )
    await part.listed(first, stage="returned", filed=0)
    second = await part.refer(asked)
    await part.listed(first, stage="returned", filed=1)
    bodies = [body for _, _, body in await part.inbox() if body.get("referral_id") == second]
    assert [body.get("resends") for body in bodies] == [first]


async def test_unsafe_number_stays_unsafe(part: IntakeJava) -> None:
    made = await part.refer(referral_body())
    await part.desk("POST", f"/{made}/contact", {"contact": "ring"})
    await part.desk("POST", f"/{made}/contact", {"contact": "yes"}, status=409)
    await part.desk("POST", f"/{made}/contact", {"contact": "yes", "telephone": "07700 900555"})
    await part.listed(made, unsaid=0)
    kernel, here = part.referral.context.kernel, part.referral.here

    async def may_be_told() -> bool:
        state = await kernel.view(here, made)
        return state is not None and state.story.contact == "yes"

    await comes_true(may_be_told, 15)
    kinds = [body.get("kind") for _, _, body in await part.inbox() if body.get("referral_id") == made]
    assert kinds == [None, "contact_changed", "retracted", "contact_changed"]


async def test_partner_is_answered_while_it_owns_a_part_that_asks(part: IntakeJava) -> None:
    made = await part.refer(referral_body())
    here = part.referral
    query = {"locality": here.here, "fields": ["name", "reason"], "purpose": "meeting"}
    stranger = here.partner("booking-js", parts=["booking"], scopes="claims:read", aud=part.address)
    for headers, code in ((stranger, "part"), (here.service(), "invalid_token")):
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(
                f"{part.address}/api/referral/v1/claims/{made}", params=query, headers=headers
            )
        assert answer.json()["type"] == f"urn:linkwork:problem:{code}"
    assert set((await part.claim(made)).json()) == {"name"}


async def test_given_back_part_is_silent_and_says_no_more(part: IntakeJava) -> None:
    made = [await part.refer(referral_body()) for _ in range(3)]
    part.table(NAME, 1, to="linkwork")
    async with asyncio.timeout(30):
        while (await part.inbox())[-1][0] != "org.linkwork.inbox-end.v1":
            await asyncio.sleep(0.1)
    _, _, end = (await part.inbox())[-1]
    assert end == {"locality": part.referral.here, "part": "referral", "epoch": 1}
    assert [referral for referral, _ in await creations(part, *made)] == sorted(made)
    await part.hand_over("linkwork", 2)
    refused = await part.desk("POST", body=form(referral_body()), status=409)
    assert refused["type"] == "urn:linkwork:problem:not_owner"
    assert (await part.claim(made[0])).status_code == 409
    await part.kill()
    await part.hand_over(NAME, 3)
    await part.start()
    again = await part.refer(referral_body())
    assert [referral for referral, _ in await creations(part, again)] == [again]


async def test_creation_that_was_not_said_in_its_epoch_is_decided_anew(part: IntakeJava) -> None:
    made = await asyncio.gather(*(part.refer(referral_body()) for _ in range(4)))
    await part.kill()
    await part.hand_over("linkwork", 4)  # By force: nobody ends the inbox.
    await part.hand_over(NAME, 5)
    await part.start()
    assert [referral for referral, _ in await creations(part, *made)] == sorted(made)
