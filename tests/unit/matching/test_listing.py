"""A service at the seam between directory and casework: nothing that a choice needs is lost on the way."""

import json
from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.directory.availability import Availability
from services.matching.directory.feed.model import (
    Audience,
    Capacity,
    Cost,
    Location,
    Schedule,
    Service,
    Status,
)
from services.matching.directory.listing import Listing, about, from_contract, nearest, to_contract
from services.matching.directory.pages.service_words import in_words
from services.matching.directory.ranking import Person, rank
from shared.contract.api.services import EXAMPLE, ServiceListed
from shared.contract.events import vocabulary as v
from tests.harness.matching.decision_harness import NOW
from tests.unit.matching.test_ranking import HOME, at, service

TODAY = NOW.date()
SCHEDULES = [
    (),
    (
        Schedule(
            rule="FREQ=WEEKLY;BYDAY=TU",
            start=TODAY - timedelta(days=90),
            until=TODAY + timedelta(days=200),
            opens_at=time(10),
            closes_at=time(12, 30),
            text="Tuesdays",
            place="Hall",
            valid_from=TODAY - timedelta(days=30),
        ),
    ),
    (Schedule(rule=None, start=None, until=None, opens_at=None, closes_at=None, text="Ask them"),),
]
LOCATIONS: list[tuple[Location, ...]] = [
    (),
    (at(HOME),),
    (at(None, step_free=None), at((53.1, -2.0), step_free=False)),
    (at(None, virtual=True),),
]
COSTS = [
    (),
    (Cost(amount=Decimal(0), text=""),),
    (Cost(amount=Decimal("3.50"), text="a session"), Cost(amount=None, text="Ask them")),
]


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    """Services with and without each thing that a feed may leave out."""
    one = service(
        draw(st.integers(1, 50)),
        status=draw(st.sampled_from(Status)),
        capacity=draw(st.sampled_from([None, *Capacity])),
        needs=tuple(draw(st.sets(st.sampled_from([v.Need.DEBT, v.Need.BEFRIENDING]), min_size=1))),
        schedules=draw(st.sampled_from(SCHEDULES)),
        costs=draw(st.sampled_from(COSTS)),
        minimum_age=draw(st.sampled_from([None, 18, 60])),
        maximum_age=draw(st.sampled_from([None, 25])),
        languages=tuple(draw(st.sets(st.sampled_from(["ur", "pl"])))),
        locations=draw(st.sampled_from(LOCATIONS)),
        assured_on=draw(st.sampled_from([None, TODAY - timedelta(days=500)])),
        email=draw(st.sampled_from([None, "asks@help.example"])),
        audience=draw(st.sampled_from([None, *Audience])),
    )
    since = draw(st.sampled_from([None, date(2026, 11, 3)])) if one.capacity else None
    confirmed = None if one.email is None else draw(st.booleans())
    return Listing(one, Availability(one.capacity, since), confirmed)


def carried(listing: Listing, *, offered: bool = True) -> Listing:
    """The listing after its way over HTTP."""
    sent = json.loads(to_contract(listing, offered=offered).model_dump_json())
    found = from_contract(ServiceListed.model_validate(sent))
    assert found is not None
    return found


@given(st.lists(listings(), max_size=5, unique_by=lambda one: one.service.id), st.sampled_from([None, HOME]))
def test_ranking_is_the_same_in_process_and_over_http(
    here: list[Listing], at_home: tuple[float, float] | None
) -> None:
    person = Person(v.Need.DEBT, v.AgeBand.FROM_55, at_home, step_free=True, language="ur")

    def ranked(found: list[Listing]) -> list[Any]:
        places = {one.service.id: one.availability for one in found}
        mailable = [one.service.id for one in found if one.mailable]
        each = rank([one.service for one in found], person, NOW, places, 10, mailable)
        return [
            (one.service.id, one.suitable, one.sentences, one.against, one.next_session, one.can_be_asked)
            for one in each
        ]

    assert ranked([carried(one) for one in here]) == ranked(here)


@given(listings())
def test_page_says_the_same_but_for_the_address(listing: Listing) -> None:
    there = carried(listing)
    told = in_words(listing.service, TODAY, listing.availability)
    elsewhere = in_words(there.service, TODAY, there.availability)
    assert replace(elsewhere, email="") == replace(told, email="")
    # The address itself stays with directory's owner; pages know only whether there is one.
    assert bool(elsewhere.email) is bool(told.email)
    assert "asks@help.example" not in to_contract(listing, offered=True).model_dump_json()


@given(listings(), st.booleans())
def test_service_is_offered_where_feed_and_service_say_so(listing: Listing, offered: bool) -> None:
    assert carried(listing, offered=offered).service.offered is (offered and listing.service.offered)


@pytest.mark.parametrize(
    "wrong", [{"id": "not a reference"}, {"minimum_age": -1}, {"times": [{"rule": "x"}]}, {"capacity": "?"}]
)
def test_contract_refuses_what_is_no_service(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="ServiceListed"):
        ServiceListed.model_validate(EXAMPLE | wrong)


def test_position_is_told_to_about_a_kilometre() -> None:
    assert about((52.97853, -2.10287)) == (52.98, -2.1)
    assert about(None) is None


def test_nearest_come_first_and_unknown_distances_last() -> None:
    def named(n: int, position: tuple[float, float] | None) -> Listing:
        one: Service = service(n, locations=(at(position),))
        return Listing(one, Availability(), mailbox_confirmed=None)

    far, near, unknown = named(1, (53.2, -2.1)), named(2, HOME), named(3, None)
    assert nearest([far, unknown, near], HOME, 2) == [near, far]
    assert nearest([far, unknown, near], None, 9) == [far, near, unknown]
