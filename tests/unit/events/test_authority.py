"""The rights to publish: the table covers every kind, and refuses a record for its own contents."""

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.contract.authority import (
    GUARDED,
    REFUSALS,
    TABLE,
    SourceRole,
    parts_of,
    refusal_of,
    to_json,
)
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import Envelope, UnknownOutcome
from shared.contract.events.models import EventBody, MeetingBooked
from shared.contract.events.outcomes import KINDS
from shared.contract.events.schema import AUTHORITY, FOLDER
from shared.platform.ids import new_id
from shared.platform.localities import load_localities
from tests.harness.delivery.toy import NOW, created, said

REFERRAL = new_id()
ABOUT: dict[str, Any] = {"referral_id": REFERRAL, "locality": "meir"}
ROLES: dict[str, frozenset[SourceRole]] = {
    "/meir/referral": frozenset({"referral"}),
    "/meir/casework": frozenset({"casework"}),
    "/meir/booking": frozenset({"booking"}),
    "/meir/directory": frozenset({"directory"}),
    "/meir/matching": frozenset({"booking", "casework", "directory"}),
    "/meir/vast-hub": frozenset({"partner"}),
    "/meir/vast-diary": frozenset({"booking"}),
}
BOOKED = MeetingBooked(
    **ABOUT,
    meeting_id=new_id(),
    sequence=0,
    link_worker="lw-meir-1",
    practice="M83100",
    starts_at=NOW,
    minutes=45,
)
HANDED = o.LinkWorkerChanged(**ABOUT, link_worker="lw-meir-2")
REPLY = o.ProviderReplied(**ABOUT, prescription_id=new_id(), reply=v.Reply.FULL)


def refused(body: EventBody, by: str) -> str | None:
    return refusal_of(said(body, by), TABLE, lambda source: ROLES.get(source, frozenset()), {"M83100"})


def undone(source: str) -> EventBody:
    return o.Retracted(**ABOUT, event_source=source, event_id=new_id(), reason=v.RetractReason.UNDONE)


@pytest.mark.parametrize(
    ("body", "by", "code"),
    [
        (created("meir"), "referral", None),
        (created("meir"), "vast-hub", None),
        (created("meir"), "stranger", "unknown_source"),
        (created("meir"), "casework", "not_yours_to_say"),
        (created("meir").model_copy(update={"practice": "Y00001"}), "vast-hub", "unknown_practice"),
        (BOOKED, "booking", None),
        (BOOKED, "matching", None),
        (BOOKED, "vast-diary", None),
        (BOOKED, "referral", "not_yours_to_say"),
        (BOOKED.model_copy(update={"practice": "Y00001"}), "booking", "unknown_practice"),
        (HANDED, "casework", None),
        (HANDED, "vast-diary", "not_yours_to_say"),
        (HANDED, "vast-hub", None),  # of a referral of its own, perhaps: the fold judges it
        (REPLY, "directory", None),
        (REPLY, "casework", None),
        (REPLY, "booking", "not_yours_to_say"),
        (undone("/meir/vast-hub"), "vast-hub", None),
        (undone("/meir/booking"), "vast-hub", "not_your_fact"),
        (undone("/meir/vast-hub"), "casework", None),
    ],
)
def test_record_is_refused_for_what_it_shows(body: EventBody, by: str, code: str | None) -> None:
    assert refused(body, by) == code
    assert code is None or code in REFUSALS


def test_kind_that_the_table_does_not_name_is_refused() -> None:
    unknown: Envelope = replace(said(HANDED, "casework"), body=UnknownOutcome(REFERRAL, "meir"))
    assert refusal_of(unknown, TABLE, lambda _: frozenset({"casework"})) == "unknown_kind"


def test_table_names_every_kind() -> None:
    assert {rule.kind for rule in TABLE} == KINDS | {"referral_created", "meeting_booked"}
    assert all(parts_of(kind)[0] == part for kind, part in GUARDED.items())


def test_partner_says_guarded_kinds_of_its_own_referrals_only() -> None:
    for rule in TABLE:
        if rule.kind in GUARDED and "partner" in rule.sources:
            assert rule.referrals == "own"


def test_table_is_published_beside_the_schemas() -> None:
    assert json.loads((FOLDER / AUTHORITY).read_text()) == to_json(TABLE)


def test_localities_name_the_roles_of_sources() -> None:
    roles = load_localities().roles
    assert roles("/meir/matching") == ROLES["/meir/matching"]
    assert roles("/meir/booking") == {"booking"}
    assert roles("/meir/history") == {"partner"}
    assert roles("/meir/stranger") == roles("/atlantis/booking") == frozenset()
