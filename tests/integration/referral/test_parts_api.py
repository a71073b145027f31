"""Who owns which part, for partners over HTTP, and the word of an owner that has stopped."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.contract.events.envelope import read_any
from shared.contract.events.inbox_end import EndOfInbox
from shared.contract.events.topics import SOURCE_PARTS, inbox_topic
from shared.delivery.kafka.topics import create_topics
from shared.platform.localities import LOCALITIES_FILE, OURS, Claim, Localities
from shared.platform.localities.document import Document, read_document
from shared.platform.localities.loading import localities_of
from shared.platform.localities.ownership import with_claim, with_owner
from tests.harness.control import with_part
from tests.harness.referral.admission import heard
from tests.harness.referral.running import ReferralHarness

BASE = "/api/contract/v1"
JS = "booking-js"
ADDRESS = "https://booking.partner.example"
SINCE = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


def owned(referral: ReferralHarness, epoch: int = 1) -> Document:
    """The table in which a partner owns booking here."""
    document = dict(read_document(referral.settings.localities_file or LOCALITIES_FILE))
    document = with_part(document, JS, "booking", slug=referral.here, api=ADDRESS)
    return with_owner(document, referral.here, "booking", JS, epoch)


@contextmanager
def in_force(referral: ReferralHarness, document: Document) -> Iterator[None]:
    """Puts another table in force."""
    known, before = referral.context.localities, Localities.unread()
    before.become(known)
    known.become(localities_of(document, "a document"))
    try:
        yield
    finally:
        known.become(before)


async def test_parts_of_a_locality_name_owner_and_hand_over(referral: ReferralHarness) -> None:
    table = with_claim(owned(referral), referral.here, "casework", Claim(OURS, SINCE))
    with in_force(referral, table):
        answer = await referral.http.get(
            f"{BASE}/parts", params={"locality": referral.here}, headers=referral.partner()
        )
    assert answer.status_code == 200, answer.text
    known = referral.context.localities
    assert (answer.json()["table"], answer.json()["locality"]) == (str(known.version), referral.here)
    parts = {each.pop("part"): each for each in answer.json()["parts"]}
    assert parts["booking"] == {"owner": JS, "epoch": 1, "address": ADDRESS, "handing_over": None}
    assert parts["casework"] == {
        "owner": OURS,
        "epoch": 0,
        "address": None,
        "handing_over": {"to": OURS, "since": "2026-11-30T09:00:00Z"},
    }
    assert set(parts) == set(SOURCE_PARTS)


async def test_parts_of_other_localities_are_not_told(referral: ReferralHarness) -> None:
    for slug in (referral.far, "nowhere"):
        asked = {"locality": slug}
        answer = await referral.http.get(f"{BASE}/parts", params=asked, headers=referral.partner())
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:linkwork:problem:locality")


async def stop(referral: ReferralHarness, epoch: int, partner: str = JS, **changes: Any) -> Any:
    body = {"locality": referral.here, "epoch": epoch} | changes
    headers = referral.partner(partner)
    return await referral.http.post(f"{BASE}/parts/booking/stopped", json=body, headers=headers)


async def test_owner_that_has_stopped_ends_its_inbox(referral: ReferralHarness) -> None:
    source = f"/{referral.here}/{JS}"
    await create_topics(referral.kafka, [], [source])
    claimed = with_claim(owned(referral), referral.here, "booking", Claim(OURS, SINCE))
    with in_force(referral, claimed):
        answer = await stop(referral, 1)
        assert answer.status_code == 202, answer.text
        assert answer.json() == {"inbox": inbox_topic(source), "part": "booking", "epoch": 1}
        (record,) = await heard(referral.kafka, [inbox_topic(source)], 1)
    end = read_any(referral.here, record.key, record.value, record.headers)
    assert isinstance(end, EndOfInbox)
    assert (end.source, end.body.part, end.body.epoch) == (source, "booking", 1)


@pytest.mark.parametrize(
    ("epoch", "partner", "claimed", "code"),
    [
        (1, JS, False, "no_hand_over"),
        (2, JS, True, "not_owner"),
        (1, "vast-hub", True, "not_owner"),
    ],
)
async def test_inbox_of_no_owner_and_without_a_hand_over_goes_on(
    referral: ReferralHarness, epoch: int, partner: str, claimed: bool, code: str
) -> None:
    table = owned(referral)
    if claimed:
        table = with_claim(table, referral.here, "booking", Claim(OURS, SINCE))
    with in_force(referral, table):
        answer = await stop(referral, epoch, partner)
    assert (answer.status_code, answer.json()["type"]) == (409, f"urn:linkwork:problem:{code}")
    assert (answer.json()["owner"], answer.json()["epoch"]) == (JS, 1)


async def test_stopping_elsewhere_is_refused(referral: ReferralHarness) -> None:
    answer = await stop(referral, 1, locality=referral.far)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:linkwork:problem:locality")
