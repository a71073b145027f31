"""Access to pages by role, and protection of every form."""

from datetime import timedelta

import pytest

from services.matching.app import create_app
from services.matching.provider.links import Links
from shared.platform.clock import system_clock
from tests.harness.matching.pages.running import PagesHarness
from tests.harness.web.forms import browser, hidden_fields, send_form

REFERRAL = "0193d3a2-7b5e-7c3a-9d21-4a6f0c9e8b11"
LINK_WORKERS = [
    "/matching/",
    "/matching/away",
    "/matching/team",
    "/matching/team/lw-meir-2",
    f"/matching/cover/{REFERRAL}",
    "/matching/hand-over",
    f"/matching/handed-over/{REFERRAL}",
    "/matching/diary",
    "/matching/diary/calendar",
    "/matching/diary/appointments/new",
    f"/matching/diary/appointments/{REFERRAL}",
    "/matching/leave",
    f"/matching/cases/{REFERRAL}",
    f"/matching/cases/{REFERRAL}/plan",
    f"/matching/cases/{REFERRAL}/book",
    f"/matching/cases/{REFERRAL}/review",
    f"/matching/cases/{REFERRAL}/hand-over",
    f"/matching/cases/{REFERRAL}/services/{REFERRAL}",
    f"/matching/meetings/{REFERRAL}",
]
POSTS = [
    "/matching/risk",
    "/matching/keep-filter",
    "/matching/away",
    "/matching/away/undo",
    "/matching/team/take",
    "/matching/team/lw-meir-2",
    f"/matching/cover/{REFERRAL}",
    f"/matching/cover/{REFERRAL}/end",
    "/matching/hand-over",
    f"/matching/handed-over/{REFERRAL}/undo",
    "/matching/diary/calendar/new",
    "/matching/diary/calendar/off",
    "/matching/diary/appointments/new",
    f"/matching/diary/appointments/{REFERRAL}/remove",
    f"/matching/diary/appointments/{REFERRAL}/put-back",
    "/matching/leave",
    "/matching/leave/preview",
    "/matching/leave/people",
    "/matching/leave/undo",
    "/matching/leave/end",
    *(
        f"/matching/cases/{REFERRAL}/{form}"
        for form in (
            "notes",
            "contact",
            "next-step",
            "sharing",
            "confirm",
            "close",
            "reopen",
            "return",
            "decline",
            "hand-over",
            "undo",
            "book",
            "review",
        )
    ),
    *(
        f"/matching/cases/{REFERRAL}/services/{REFERRAL}/{form}"
        for form in ("reply", "visit", "sharing", "ended")
    ),
    f"/matching/meetings/{REFERRAL}",
    f"/matching/meetings/{REFERRAL}/rebook",
    f"/matching/meetings/{REFERRAL}/no-longer-wants",
    "/matching/services",
    f"/matching/services/{REFERRAL}/flag",
]

DESK_POSTS = [
    "/matching/desk/lists/meir/overdue",
    "/matching/desk/link-workers/lw-meir-1/session",
    f"/matching/desk/sessions/{REFERRAL}",
]
MANAGERS = [
    "/matching/desk",
    "/matching/desk/quality",
    "/matching/desk/lists/meir/overdue",
    "/matching/desk/link-workers/lw-meir-1",
    "/matching/desk/link-workers/lw-meir-1/session",
    f"/matching/desk/sessions/{REFERRAL}",
]


@pytest.mark.parametrize("path", MANAGERS)
async def test_link_workers_do_not_see_the_desk(harness: PagesHarness, path: str) -> None:
    async with browser(harness.matching, harness.cookies()) as client:
        assert (await client.get(path)).status_code == 403


ADMINISTRATION = [
    "/matching/administration",
    "/matching/administration/link-workers",
    "/matching/administration/link-workers/lw-x-1/hours",
    "/matching/administration/link-workers/lw-x-1/leave",
    "/matching/administration/rooms",
    "/matching/administration/feeds",
    "/matching/administration/services",
]


@pytest.mark.parametrize(
    "path", [*LINK_WORKERS, *MANAGERS, *ADMINISTRATION, "/matching/services", "/matching/programme"]
)
async def test_signed_out_reader_is_sent_to_sign_in(harness: PagesHarness, path: str) -> None:
    async with browser(harness.matching) as client:
        answer = await client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=")


@pytest.mark.parametrize("path", [*LINK_WORKERS, *ADMINISTRATION, "/matching/programme"])
async def test_practice_staff_do_not_see_the_caseload(harness: PagesHarness, path: str) -> None:
    cookies = harness.cookies("referrer", practices=["M83100"])
    async with browser(harness.matching, cookies) as client:
        assert (await client.get(path)).status_code == 403


@pytest.mark.parametrize("path", [*POSTS, *DESK_POSTS])
async def test_form_of_another_browser_is_refused(harness: PagesHarness, path: str) -> None:
    role = "manager" if path in DESK_POSTS else "link_worker"
    async with browser(harness.matching, harness.cookies(role)) as client:
        answer = await client.post(path, data={"sure": "yes"})
    assert answer.status_code == 403
    assert "This form has been open too long" in answer.text


async def test_case_of_other_locality_is_not_found(harness: PagesHarness) -> None:
    person = await harness.refer()
    meeting = (await harness.view(person)).story.active.booked.meeting_id
    elsewhere = harness.cookies(localities=[harness.referral.far], link_worker="lw-leek-1")
    async with browser(harness.matching, elsewhere) as client:
        for path in (
            f"/matching/cases/{person.referral}",
            f"/matching/meetings/{meeting}",
            f"/matching/meetings/{meeting}/rebook",
        ):
            assert (await client.get(path)).status_code == 404


async def test_practice_staff_move_only_their_meetings(harness: PagesHarness) -> None:
    person = await harness.refer()
    meeting = (await harness.view(person)).story.active.booked.meeting_id
    path = f"/matching/meetings/{meeting}/rebook"
    async with browser(harness.matching, harness.cookies("referrer", practices=["M83713"])) as client:
        assert (await client.get(path)).status_code == 404
    async with browser(harness.matching, harness.cookies("referrer", practices=["M83100"])) as client:
        page = await client.get(path)
        assert person.name not in page.text
        assert f"Reference {person.referral[-6:]}" in page.text
        slot = page.text.partition('name="slot" type="radio" value="')[2].partition('"')[0]
        moved = await send_form(client, path, path, {"slot": slot})
        assert moved.status_code == 303
        shown = await client.get(moved.headers["location"])
        assert "The appointment is moved." in shown.text


async def test_link_changes_nothing_before_a_button(harness: PagesHarness) -> None:
    person = await harness.refer(needs=["befriending"])
    await harness.plan(person)
    link = (await harness.link_of(person)).removeprefix(harness.address)
    async with browser(harness.matching) as client:
        before = (await harness.view(person)).facts
        page = await client.get(link)
        assert (await client.head(link)).status_code in (200, 405)
        assert (await harness.view(person)).facts == before
        assert page.headers["x-robots-tag"].startswith("noindex")
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert not any(secret in page.text for secret in (*person.name.split(), person.telephone))
        assert (await client.post(f"{link}/answer", data={"reply": "accepted"})).status_code == 403

        refused = await send_form(client, link, f"{link}/answer", {"reply": "waiting_list", "weeks": "0"})
        assert refused.status_code == 422
        assert "from 1 to 104" in refused.text
        answered = await send_form(client, link, f"{link}/answer", {"reply": "full"})
        assert answered.status_code == 303
        shown = (await client.get(link)).text
        assert "You are full" in shown
        assert "?change=1" in shown
        changed = await client.get(f"{link}?change=1")
        again = hidden_fields(changed.text) | {"reply": "accepted"}
        assert (await client.post(f"{link}/answer", data=again)).status_code == 303
        shown = (await client.get(link)).text
        assert "The link worker will introduce you" in shown
        refused = await send_form(client, link, f"{link}/code", {})
        assert refused.status_code == 409


async def test_expired_link_shows_friendly_words(harness: PagesHarness) -> None:
    person = await harness.refer(needs=["befriending"])
    prescription = await harness.plan(person)
    view = await harness.view(person)
    service = view.story.prescriptions[-1].prescribed.service_id
    settings = harness.matching.state.settings
    long_ago = Links(
        settings.magic_link_key.get_secret_value(),
        settings.public_url,
        28,
        lambda: system_clock() - timedelta(days=60),
    )
    async with browser(harness.matching) as client:
        answer = await client.get(f"/s/{long_ago.token(harness.here, prescription, service)}")
    assert answer.status_code == 410
    assert "This link is no longer in use" in answer.text
    assert "01632 960100" in answer.text


async def test_form_sent_twice_is_done_once(harness: PagesHarness) -> None:
    person = await harness.refer()
    case = f"/matching/cases/{person.referral}"
    async with browser(harness.matching, harness.cookies()) as client:
        fields = hidden_fields((await client.get(case)).text) | {"channel": "phone", "reached": "no"}
        for _ in range(2):
            assert (await client.post(f"{case}/contact", data=fields)).status_code == 303
    assert len((await harness.view(person)).story.contacts) == 1


async def test_refusal_is_shown_beside_the_input(harness: PagesHarness) -> None:
    person = await harness.refer()
    meeting = (await harness.view(person)).story.active.booked.meeting_id
    path = f"/matching/meetings/{meeting}"
    async with browser(harness.matching, harness.cookies()) as client:
        typed = {"do": "missed", "what_matters": "The garden"}
        answer = await send_form(client, path, path, typed)
    assert answer.status_code == 422
    assert "The appointment has not begun yet." in answer.text
    assert "The garden" in answer.text


async def test_pages_work_while_the_vault_is_down(harness: PagesHarness) -> None:
    person = await harness.refer()
    meeting = (await harness.view(person)).story.active.booked.meeting_id
    away = harness.matching.state.settings.model_copy(update={"referral_url": "http://127.0.0.1:9"})
    alone = create_app(away)
    cookies = harness.cookies()
    async with browser(harness.matching, cookies) as client:
        await client.get("/matching/")
    alone.state.session_check = harness.matching.state.session_check  # the answers that it remembers
    async with browser(alone, cookies) as client:
        desk = (await client.get("/matching/")).text
        assert "Names and telephone numbers cannot be shown just now" in desk
        assert person.name not in desk
        assert f"Reference {person.referral[-6:]}" in desk
        path = f"/matching/meetings/{meeting}"
        kept = await send_form(client, path, path, {"do": "draft", "what_matters": "The garden"})
    assert "The draft cannot be kept just now" in kept.text
    assert "The garden" in kept.text
    assert "The draft is saved" not in kept.text


async def test_risk_note_is_shown_only_on_request(harness: PagesHarness) -> None:
    person = await harness.refer(risk="see_note", risk_line="Large dog, ring first")
    await harness.meet_now(person)
    async with browser(harness.matching, harness.cookies()) as client:
        desk = (await client.get("/matching/")).text
        assert "Risk: read the note first" in desk
        assert "Large dog" not in desk
        shown = await send_form(client, "/matching/", "/matching/risk", {"referral": person.referral})
        assert "Large dog, ring first" in shown.text
        elses = await send_form(client, "/matching/", "/matching/risk", {"referral": REFERRAL})
        assert "Large dog" not in elses.text


async def test_search_postcode_is_not_shown_to_next_reader(harness: PagesHarness) -> None:
    async with browser(harness.matching, harness.cookies()) as client:
        found = await send_form(client, "/matching/services", "/matching/services", {"postcode": "ST3 6AB"})
        path = found.headers["location"]
        assert "ST3" not in path
        assert 'value="ST3 6AB"' in (await client.get(path)).text
        client.cookies.update(harness.cookies(subject="another"))
        assert "ST3 6AB" not in (await client.get(path)).text.replace("such as ST3 6AB", "")


async def test_caseload_is_filtered_and_the_filter_is_kept(harness: PagesHarness) -> None:
    person = await harness.refer()
    cookies = harness.cookies(subject="keeps-a-filter")
    async with browser(harness.matching, cookies) as client:
        assert person.name in (await client.get("/matching/")).text
        old = await client.get("/matching/?waiting=84&sort=-made")
        assert person.name not in _caseload(old.text)
        assert 'aria-sort="descending"' in (await client.get("/matching/?sort=-made")).text
        query = hidden_fields(old.text)["query"]
        kept = await send_form(client, "/matching/?waiting=84", "/matching/keep-filter", {"query": query})
        assert kept.status_code == 303
        assert person.name not in _caseload((await client.get("/matching/")).text)
        assert person.name in _caseload((await client.get("/matching/?all=1")).text)
    async with browser(harness.matching, harness.cookies(subject="keeps-none")) as client:
        assert person.name in _caseload((await client.get("/matching/")).text)
    async with browser(harness.matching, cookies) as client:
        await send_form(client, "/matching/?waiting=84", "/matching/keep-filter", {"query": ""})
        assert person.name in _caseload((await client.get("/matching/")).text)


def _caseload(html: str) -> str:
    return html.partition('id="caseload"')[2]
