"""Calls every route of every service over the front: without a token, in the wrong role, from elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from joserfc.jwk import ECKey

from deploy.development.signing import IssuerKey
from deploy.local.routes import PRIVATE
from shared.platform.web.principal import ROLES
from tests.harness.journey import travel as chapter
from tests.harness.journey.callers import PageReader, Stranger, at_home, page_reader, strangers
from tests.harness.journey.doors import PUBLIC, Door, doors
from tests.harness.journey.requests import body, query, things
from tests.harness.journey.system import System
from tests.harness.journey.travel import Journey

REFUSED = (401, 403, 404)
# Answers here are the caller's own: a search and a calendar.
OWN = ("/people/find", "/calendar-feed")
# Asks any link worker why. It reads no case, so that every reference, known or not, gets the same page.
ASKS_WHY = "/matching/cover/{referral}"
# Shows a colleague of the locality references alone, and asks why before it shows names.
COLLEAGUES_CASES = "/matching/team/{link_worker}"
# Every role with access to the directory may see these: services that are open to the public.
EVERYBODYS = {"service_id", "service", "feed"}
AT_A_TIME = 6


@pytest.fixture(scope="session")
def every_door(tmp_path_factory: pytest.TempPathFactory) -> list[Door]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LINKWORK_ENV", "development")
        environment.setenv("LINKWORK_STATE", str(tmp_path_factory.mktemp("doors")))
        return doors()


@pytest_asyncio.fixture
async def planned_ahead(system: System, case: Journey) -> None:
    """Plans a step of the case that is not overdue: an overdue case is offered to colleagues."""
    await chapter.plan_ahead(system, case)


def guarded(every_door: Iterable[Door], *, api: bool) -> list[Door]:
    return [door for door in every_door if door.roles is not None and door.api is api]


async def all_of(knocks: Iterable[Callable[[], Awaitable[str | None]]]) -> None:
    """Runs all calls, a few at a time. Fails with every complaint."""
    some = asyncio.Semaphore(AT_A_TIME)

    async def knock(one: Callable[[], Awaitable[str | None]]) -> str | None:
        async with some:
            return await one()

    found = await asyncio.gather(*(knock(one) for one in knocks))
    assert found
    complaints = [complaint for complaint in found if complaint]
    assert not complaints, "\n".join(complaints)


def at_api(
    system: System,
    case: Journey,
    door: Door,
    headers: Mapping[str, str],
    judge: Callable[[httpx.Response], bool],
) -> Callable[[], Awaitable[str | None]]:
    async def knock() -> str | None:
        answer = await system.http.request(
            door.method,
            door.address(things(case)),
            params=query(case, door),
            json=body(system, case, door),
            headers=dict(headers),
        )
        if judge(answer):
            return None
        return f"{door}: {answer.status_code} {answer.text[:200]}"

    return knock


def test_nothing_is_open_but_what_is_listed(every_door: list[Door]) -> None:
    assert {str(door) for door in every_door if door.roles is None} == set(PUBLIC)
    assert len(guarded(every_door, api=True)) > 40
    assert len(guarded(every_door, api=False)) > 40


async def test_what_is_for_those_who_run_it_is_not_outside(system: System) -> None:
    for path in PRIVATE:
        answer = await system.http.get(path)
        assert answer.status_code == 404 or path == "/readyz", path
    assert (await system.http.get("/readyz")).text == "ready"


async def test_nobody_gets_through_the_api(system: System, case: Journey, every_door: list[Door]) -> None:
    claims = at_home(system, case, "programme_admin")
    earlier, wrong = timedelta(hours=2), ECKey.generate_key("P-256", auto_kid=True)
    key = {"issuer": f"{system.url}/dev/issuer", "audience": "linkwork"}
    forged = IssuerKey(wrong, **key, clock=system.clock).sign(claims, timedelta(hours=1))
    real = IssuerKey.kept_in(system.started.state, **key, clock=lambda: system.clock() - earlier)
    expired = real.sign(claims, timedelta(hours=1))
    elsewhere = IssuerKey.kept_in(system.started.state, **key | {"audience": "other"}, clock=system.clock)
    good = system.token(**claims)
    tokens = (
        forged,
        expired,
        elsewhere.sign(claims, timedelta(hours=1)),
        good[:-6] + "AAAAAA",
        system.token(**claims | {"role": "emperor"}),
        "nonsense",
    )
    headers = [{}, *({"authorization": f"Bearer {token}"} for token in tokens)]

    def refused(answer: httpx.Response) -> bool:
        return answer.status_code == 401 and "www-authenticate" in answer.headers

    await all_of(
        at_api(system, case, door, each, refused)
        for door in guarded(every_door, api=True)
        for each in headers
    )


async def test_the_wrong_role_does_not_get_through_the_api(
    system: System, case: Journey, every_door: list[Door]
) -> None:
    headers = {role: system.bearer(**at_home(system, case, role)) for role in ROLES}
    await all_of(
        at_api(system, case, door, headers[role], lambda answer: answer.status_code == 403)
        for door in guarded(every_door, api=True)
        for role in set(ROLES) - (door.roles or set())
    )


@pytest.mark.usefixtures("planned_ahead")
async def test_strangers_find_nothing_of_the_case_in_the_api(
    system: System, case: Journey, every_door: list[Door]
) -> None:
    def judge(door: Door, who: Stranger) -> Callable[[httpx.Response], bool]:
        # The places of a service are no part of a case, and these services are offered everywhere.
        colleagues = door.path.endswith("/places")
        # A list, a search and a calendar are each caller's own and may be served, but the case is not on it.
        lists = (door.method == "GET" and not door.things - EVERYBODYS) or door.path.endswith(OWN)
        # The queue shows colleagues which cases wait for somebody, and this one does not.
        waits_for_nobody = door.path.endswith("/take") and is_colleague(case, who)

        def right(answer: httpx.Response) -> bool:
            return (
                answer.status_code in REFUSED
                or (colleagues and answer.status_code == 204)
                or (waits_for_nobody and answer.status_code == 409 and tells_nothing(case, answer))
                or (lists and answer.status_code == 200 and tells_nothing(case, answer))
                or (door.path.endswith("/hand-overs") and answer.json() == not_handed_over(case))
            )

        return right

    await all_of(
        at_api(system, case, door, system.bearer(**who.claims), judge(door, who))
        for door in guarded(every_door, api=True)
        for who in strangers(system, case)
        if who.role in (door.roles or ()) and not (door.path.endswith("/cover") and is_colleague(case, who))
    )


async def test_colleague_without_a_reason_covers_nothing(
    system: System, case: Journey, every_door: list[Door]
) -> None:
    (door,) = [each for each in guarded(every_door, api=True) if each.path.endswith("/cover")]
    (who,) = [each for each in strangers(system, case) if is_colleague(case, each)]
    headers = dict(system.bearer(**who.claims))
    answer = await system.http.request(door.method, door.address(things(case)), json={}, headers=headers)
    assert answer.status_code == 422
    assert tells_nothing(case, answer)


def not_handed_over(case: Journey) -> dict[str, Any]:
    return {"hand_over": None, "refused": {case.referral: "unknown_case"}}


def is_colleague(case: Journey, who: Stranger) -> bool:
    """True for a link worker of the case's locality. Such a one may cover the case, with a reason."""
    return (
        who.role == "link_worker"
        and who.claims["localities"] == [case.locality]
        and ("link_worker" in who.claims)
    )


def tells_nothing(case: Journey, answer: httpx.Response) -> bool:
    return case.referral not in answer.text and tells_a_reference_alone(case, answer)


def tells_a_reference_alone(case: Journey, answer: httpx.Response) -> bool:
    body = case.who.body
    known = (case.meeting["id"], case.prescription, body["family_name"], body["telephone"])
    return not [text for text in known if text in answer.text]


def at_page(
    door: Door, case: Journey, reader: PageReader, judge: Callable[[httpx.Response], bool], who: str = ""
) -> Callable[[], Awaitable[str | None]]:
    async def knock() -> str | None:
        answer = await reader.knock(door, door.address(things(case)), {})
        if judge(answer):
            return None
        return f"{door}, {who}: {answer.status_code} {answer.headers.get('location', '')}"

    return knock


async def test_nobody_reads_a_page_without_signing_in(
    system: System, case: Journey, every_door: list[Door]
) -> None:
    def sent_to_sign_in(answer: httpx.Response) -> bool:
        return answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=/")

    async with page_reader(system, None) as nobody:
        await all_of(at_page(door, case, nobody, sent_to_sign_in) for door in guarded(every_door, api=False))


async def test_the_wrong_role_reads_no_page(system: System, case: Journey, every_door: list[Door]) -> None:
    for role in ROLES:
        others = [door for door in guarded(every_door, api=False) if role not in (door.roles or ())]
        async with page_reader(system, at_home(system, case, role)) as reader:
            await all_of(
                at_page(door, case, reader, lambda answer: answer.status_code == 403, role) for door in others
            )


@pytest.mark.usefixtures("planned_ahead")
async def test_strangers_find_nothing_of_the_case_on_pages(
    system: System, case: Journey, every_door: list[Door]
) -> None:
    def judge(door: Door, who: Stranger) -> Callable[[httpx.Response], bool]:
        def right(answer: httpx.Response) -> bool:
            if door.path == ASKS_WHY or (door.path == COLLEAGUES_CASES and is_colleague(case, who)):
                return answer.status_code in (200, 422) and tells_a_reference_alone(case, answer)
            if door.things - EVERYBODYS:
                return answer.status_code in REFUSED
            return answer.status_code < 500 and tells_nothing(case, answer)

        return right

    for who in strangers(system, case):
        theirs = [door for door in guarded(every_door, api=False) if who.role in (door.roles or ())]
        if theirs:
            async with page_reader(system, who.claims) as reader:
                await all_of(at_page(door, case, reader, judge(door, who), who.why) for door in theirs)
