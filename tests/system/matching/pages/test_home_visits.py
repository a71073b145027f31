"""A home visit is shown as at home on every page. Only the link worker sees the address."""

import re
from html import unescape
from typing import Any

import httpx
import pytest

from services.matching.referral_state.pages.person_header import (
    ADDRESS_AWAY,
    ADDRESS_ELSEWHERE,
    ADDRESS_UNKNOWN,
    home_address,
)
from services.matching.referral_state.views import CaseLine, MeetingShown
from shared.contract.events.vocabulary import MeetingMode
from tests.harness.matching.pages.running import PLACE, PagesHarness, Person
from tests.harness.referral.people import referral_body

PRACTICE = "M83713"
HOURS = [
    {"weekday": n, "opens": "08:00", "closes": "18:00", "practices": [PRACTICE], "place": PLACE}
    for n in range(5)
]


async def visited(harness: PagesHarness) -> tuple[Person, str, str]:
    """A person who cannot leave home, their link worker, and the booked meeting."""
    worker = await harness.put_worker(7, hours=HOURS, home_visits=True)
    body = referral_body(practice=PRACTICE, access_needs=["home_visit"], house="12 Gooseberry Row")
    made = await harness.referral.http.post(
        "/api/referral/v1/referrals", json=body, headers=harness.referral.referrer(PRACTICE)
    )
    person = Person(made.json()["id"], f"{body['given_name']} {body['family_name']}", body["telephone"])
    await harness.wait(person, lambda view: bool(view["active"]))
    await harness.referral.until(person.referral, stage="booked")
    booked = (await harness.view(person)).story.active.booked
    assert booked.mode is MeetingMode.HOME
    return person, worker, booked.meeting_id


def text_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)))


async def test_practice_reads_at_their_home_everywhere(harness: PagesHarness) -> None:
    person, _, _ = await visited(harness)
    one = f"/referral/referrals/{person.referral}"
    harness.referral.http.cookies.update(harness.referral.cookies(PRACTICE))
    pages = {
        at: text_of(await harness.referral.http.get(at)) for at in (one, f"{one}/another-time", "/referral/")
    }
    slip = text_of(await harness.referral.http.get(f"{one}/slip"))
    harness.referral.http.cookies.clear()
    for at, text in pages.items():
        assert "their home" in text, at
        assert "room 4" not in text, at
    assert len(re.findall("At their home", pages[f"{one}/another-time"])) == 3
    assert "At your home" in slip
    assert "room 4" not in slip
    assert "Gooseberry" not in "".join((slip, *pages.values()))


async def test_link_worker_reads_at_their_home_and_address(harness: PagesHarness) -> None:
    person, worker, meeting = await visited(harness)
    cookies = harness.cookies(link_worker=worker)
    async with httpx.AsyncClient(base_url=harness.address, cookies=cookies) as http:
        case = text_of(await http.get(f"/matching/cases/{person.referral}"))
        record = text_of(await http.get(f"/matching/meetings/{meeting}"))
        rebook = text_of(await http.get(f"/matching/meetings/{meeting}/rebook"))
    for text in (case, record, rebook):
        assert "their home" in text
        assert "room 4" not in text
    for text in (case, record):
        assert "12 Gooseberry Row, ST3 6AB" in text
    assert "Gooseberry" not in rebook


def a_meeting(mode: MeetingMode) -> MeetingShown:
    nothing: dict[str, Any] = dict.fromkeys(MeetingShown.__slots__)
    return MeetingShown(**nothing | {"mode": mode})


def a_line(*, kept_elsewhere: bool = False) -> CaseLine:
    nothing: dict[str, Any] = dict.fromkeys(CaseLine.__slots__)
    return CaseLine(**nothing | {"referral_id": "r", "kept_elsewhere": kept_elsewhere})


@pytest.mark.parametrize(
    ("mode", "elsewhere", "people", "shown"),
    [
        (
            MeetingMode.HOME,
            False,
            {"r": {"address": "1 High St", "postcode": "ST3 6AB"}},
            "1 High St, ST3 6AB",
        ),
        (MeetingMode.HOME, False, {"r": {"postcode": "ST3 6AB"}}, ADDRESS_UNKNOWN),
        (MeetingMode.HOME, False, {}, ADDRESS_AWAY),
        (MeetingMode.HOME, True, {}, ADDRESS_ELSEWHERE),
        (MeetingMode.FACE_TO_FACE, False, {"r": {"address": "1 High St"}}, ""),
        (MeetingMode.PHONE, False, {}, ""),
    ],
)
def test_home_address_is_shown_or_explained(
    mode: MeetingMode, elsewhere: bool, people: dict[str, dict[str, Any]], shown: str
) -> None:
    assert home_address(a_meeting(mode), a_line(kept_elsewhere=elsewhere), people) == shown


def test_home_address_without_meeting_is_empty() -> None:
    assert home_address(None, a_line(), {}) == ""
