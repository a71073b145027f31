"""The pages of a one-tap link: what was entered wrong is told beside its field, never as a broken link."""

import re
from collections.abc import Mapping
from datetime import timedelta

import httpx
import pytest

from services.matching.calendar import london_day
from services.matching.clients.vault import MailAway
from services.matching.provider import queries as provider_queries
from services.matching.provider.link_states import Ended, LinkKey
from tests.harness.matching.plans import prescribed
from tests.harness.matching.service_harness import MatchingHarness


class Browser:
    """A service's browser at its link: it keeps cookies, and sends the forms that it was shown."""

    def __init__(self, place: MatchingHarness, prescription: str, service: str) -> None:
        self.token = place.app.state.links.token(place.slug, prescription, service)
        transport = httpx.ASGITransport(app=place.app)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://localhost:8080")

    async def get(self, path: str = "") -> httpx.Response:
        return await self._http.get(f"/s/{self.token}{path}")

    async def send(self, path: str, fields: Mapping[str, str]) -> httpx.Response:
        shown = await self.get()
        token = re.search(r'name="csrf_token" value="([^"]+)"', shown.text)
        form = {**fields, "csrf_token": token[1] if token else ""}
        return await self._http.post(f"/s/{self.token}{path}", data=form)


async def asked(place: MatchingHarness) -> tuple[str, str, Browser]:
    """A referral, its prescription, and the browser of the service that is asked."""
    referral, of = await prescribed(place)
    service = (await place.view(referral)).story.prescriptions[0].prescribed.service_id
    return referral, of, Browser(place, of, service)


def typed(day: object) -> dict[str, str]:
    year, month, rest = str(day).split("-")
    return {"visited_on-day": rest, "visited_on-month": month, "visited_on-year": year}


async def test_visit_before_the_referral_is_told_at_its_field(town: MatchingHarness) -> None:
    referral, _, service = await asked(town)
    town.clock.now += timedelta(days=2)
    await service.send("/answer", {"reply": "accepted"})
    created = (await town.view(referral)).story.created
    assert created is not None
    day_before = london_day(created.agreement.at) - timedelta(days=1)
    for fields in (typed(day_before), {"visited": day_before.isoformat()}):
        answer = await service.send("/visit", {"happened": "yes", **fields})
        assert answer.status_code == 422
        assert "does not work" not in answer.text
        (message,) = re.findall(r'id="visited_on-date-error">(.*?)</div>', answer.text, re.DOTALL)
        assert "The first visit must be from" in message
        assert re.search(r'href="#visited_on"', answer.text)
    assert (await town.view(referral)).story.first_visit is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"happened": "yes", "visited": "2199-01-01"}, "to today"),
        ({"happened": "yes", "visited": "yesterday"}, "Press one of the days"),
        ({"happened": "yes"}, "Enter the day of the first visit, such as"),
        ({"happened": "no"}, "Choose what stopped it"),
    ],
)
async def test_mistake_about_a_visit_keeps_the_page(
    town: MatchingHarness, fields: dict[str, str], sentence: str
) -> None:
    _, _, service = await asked(town)
    await service.send("/answer", {"reply": "accepted"})
    answer = await service.send("/visit", fields)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert "You said yes" in answer.text


async def test_day_pressed_is_the_first_visit(town: MatchingHarness) -> None:
    referral, _, service = await asked(town)
    await service.send("/answer", {"reply": "accepted"})
    page = (await service.get()).text
    today = london_day(town.clock.now)
    assert f'value="{today.isoformat()}"' in page
    assert f"For example, {today.day} {today.month} {today.year}" in page
    answer = await service.send("/visit", {"happened": "yes", "visited": today.isoformat()})
    assert answer.status_code == 303
    assert (await town.view(referral)).story.prescriptions[0].started_on == today
    again = await service.send("/visit", {"happened": "yes", "visited": today.isoformat()})
    assert again.status_code == 303  # said twice, recorded once
    other = await service.send("/visit", {"happened": "no", "barrier": "cost"})
    assert other.status_code == 409
    assert "The first visit is recorded already" in other.text


async def test_address_of_a_form_loaded_again_is_the_page(town: MatchingHarness) -> None:
    _, _, service = await asked(town)
    for form in ("/answer", "/visit", "/places", "/name"):
        answer = await service.get(form)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/s/{service.token}")


async def test_service_says_that_it_has_places_again(here: MatchingHarness) -> None:
    _, _, service = await asked(here)
    assert "Do you have places again?" not in (await service.get()).text
    await service.send("/answer", {"reply": "full"})
    here.clock.now += timedelta(days=1)
    search = "/services?need=befriending"

    async def found() -> tuple[str, bool]:
        entry = (await here.http.get(search, headers=here.admin())).json()["contents"][0]
        referral = await here.refer()
        ranked = await here.http.get(
            f"/referrals/{referral}/services?need=befriending", headers=here.link_worker()
        )
        (one,) = ranked.json()["services"]
        assert one["service"]["availability"] == entry["availability"]
        return entry["availability"]["capacity"], one["suitable"]

    assert await found() == ("no-capacity", False)
    page = await service.get()
    assert "We have places again" in page.text
    assert (await service.send("/places", {})).status_code == 303
    assert await found() == ("capacity", True)
    assert "We have places again" not in (await service.get()).text
    here.clock.now += timedelta(days=1)
    await service.send("/answer", {"reply": "waiting_list", "weeks": "6"})
    assert (await found())[0] == "waitlist"


async def test_ended_link_says_so_and_whom_to_ring(town: MatchingHarness) -> None:
    referral, of, service = await asked(town)
    states = town.app.state.features.provider.link_states
    await states.end(LinkKey(town.slug, referral, of, 0), Ended.WRONG_CODES)
    answer = await service.get()
    assert answer.status_code == 410
    assert "A wrong code was entered 20 times" in answer.text
    assert "Priya Wainwright" in answer.text
    assert "01632 960401" in answer.text


async def test_link_of_unknown_link_worker_names_the_hub(
    town: MatchingHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none_known(*_: object) -> dict[str, object]:
        return {}

    _, _, service = await asked(town)
    monkeypatch.setattr(provider_queries, "link_workers", none_known)
    hub = town.app.state.localities.hub
    page = (await service.get()).text
    assert f"Ring {hub.name}:" in page
    assert hub.telephone in page


class Mails:
    """Takes the mails of new links in place of a mail server, or is away."""

    def __init__(self) -> None:
        self.away = False
        self.sent: list[tuple[str, str]] = []

    async def send_link(self, to: str, _service: str, url: str, _reference: str) -> None:
        if self.away:
            raise MailAway
        self.sent.append((to, url))


async def test_link_worker_ends_a_link_and_sends_a_new_one(
    town: MatchingHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, of, service = await asked(town)
    by, mails = town.link_worker(), Mails()
    monkeypatch.setattr(town.app.state.features.links, "mailer", mails)
    other = town.link_worker("lw-meir-9")
    for action in ("end", "send"):
        assert (await town.post(f"/prescriptions/{of}/link/{action}", of=other)).status_code == 404
    assert (await town.post(f"/prescriptions/{of}/link/end", of=by)).status_code == 204
    answer = await service.get()
    assert answer.status_code == 410
    assert "The link worker has ended it" in answer.text
    mails.away = True
    assert (await town.post(f"/prescriptions/{of}/link/send", of=by)).status_code == 503
    mails.away = False
    for _ in range(2):  # pressed twice, it is sent once
        assert (await town.post(f"/prescriptions/{of}/link/send", of=by)).status_code == 204
    ((to, url),) = mails.sent
    assert to == "hello@lunch.example"
    assert "There is a newer link" in (await service.get()).text
    service.token = url.rpartition("/")[2]
    assert "Can you help this person?" in (await service.get()).text
