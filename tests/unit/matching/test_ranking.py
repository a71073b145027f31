"""Services for a need: what comes first, why, and why not."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.directory.availability import Availability, Told, Word, availability
from services.matching.directory.feed.model import (
    Audience,
    Capacity,
    Cost,
    Location,
    Schedule,
    Service,
    Status,
)
from services.matching.directory.ranking import (
    FAR_KM,
    Person,
    RankedService,
    Why,
    WhyNot,
    answers,
    rank,
    spoken,
)
from shared.contract.events import vocabulary as v
from shared.platform.localities import postcodes
from tests.harness.matching.decision_harness import NOW

HOME = (52.9785, -2.1029)


def service(n: int = 1, **changed: Any) -> Service:
    """A service with nothing against it, at home's door."""
    return Service.model_validate(
        {
            "id": str(UUID(int=n)),
            "record": str(n),
            "name": f"Service {n} (example)",
            "organisation": "Helpers (example)",
            "description": "",
            "alert": "",
            "status": Status.ACTIVE,
            "capacity": Capacity.CAPACITY,
            "needs": (v.Need.DEBT,),
            "sensitive_needs": (),
            "schedules": (),
            "costs": (Cost(amount=Decimal(0), text=""),),
            "minimum_age": None,
            "maximum_age": None,
            "accessibility": "",
            "languages": (),
            "locations": (at(HOME),),
            "assured_on": NOW.date() - timedelta(days=40),
            "email": "asks@help.example",
            "telephone": None,
            "url": None,
        }
        | changed
    )


def at(
    position: tuple[float, float] | None, *, step_free: bool | None = True, virtual: bool = False
) -> Location:
    return Location(
        name="", address="", postcode=None, position=position, step_free=step_free, virtual=virtual
    )


def north(km: float) -> tuple[float, float]:
    return (HOME[0] + km / 111.2, HOME[1])


PERSON = Person(v.Need.DEBT, v.AgeBand.FROM_65, HOME, step_free=True)


def only(found: list[RankedService]) -> RankedService:
    (one,) = found
    return one


def test_a_good_match_says_why() -> None:
    one = only(rank([service()], PERSON, NOW))
    assert one.suitable
    assert one.why_not == ()
    assert set(one.why) == {Why.NEED, Why.NEAR, Why.CAPACITY, Why.STEP_FREE, Why.FREE, Why.ASSURED}
    assert one.sentences[1] == "Less than 0.1 miles away"
    assert one.sentences[-1] == "Checked 1 month ago"
    assert one.can_be_asked


@pytest.mark.parametrize(
    ("changed", "code", "sentence"),
    [
        ({"locations": (at(north(12)),)}, WhyNot.TOO_FAR, "7.5 miles away"),
        ({"status": Status.TEMPORARILY_CLOSED}, WhyNot.CLOSED, "Closed at the moment"),
        ({"capacity": Capacity.NO_CAPACITY}, WhyNot.FULL, "Full, says the directory"),
        ({"maximum_age": 25}, WhyNot.AGE, "For people up to 25"),
        ({"minimum_age": 80}, WhyNot.AGE, "For people of 80 and over"),
        ({"locations": (at(HOME, step_free=False),)}, WhyNot.NOT_STEP_FREE, "No step-free access"),
    ],
)
def test_a_near_miss_says_why_not(changed: dict[str, Any], code: WhyNot, sentence: str) -> None:
    one = only(rank([service(**changed)], PERSON, NOW))
    assert not one.suitable
    assert code in one.why_not
    assert sentence in one.against


@pytest.mark.parametrize(
    ("changed", "code", "sentence"),
    [
        ({"assured_on": date(2025, 9, 1)}, WhyNot.STALE, "Last checked 14 months ago"),
        ({"assured_on": None}, WhyNot.STALE, "Nobody says when this entry was last checked"),
        ({"costs": ()}, WhyNot.COST_NOT_KNOWN, "What it costs is not known"),
        ({"locations": ()}, WhyNot.DISTANCE_NOT_KNOWN, "How far it is is not known"),
        (
            {"locations": (at(HOME, step_free=None),)},
            WhyNot.STEP_FREE_NOT_KNOWN,
            "Whether it is step-free is not known",
        ),
        ({"capacity": Capacity.WAITLIST}, WhyNot.WAITING_LIST, "Has a waiting list"),
        (
            {"capacity": Capacity.ADDITIONAL_ASSESSMENT},
            WhyNot.ASSESSMENT_FIRST,
            "Meets people first, then decides",
        ),
    ],
)
def test_a_caution_does_not_rule_it_out(changed: dict[str, Any], code: WhyNot, sentence: str) -> None:
    one = only(rank([service(**changed)], PERSON, NOW))
    assert one.suitable
    assert code in one.why_not
    assert sentence in one.against


def test_recent_reply_counts_more_than_the_entry() -> None:
    one = service()

    def full_since(month: int) -> dict[str, Availability]:
        told = [Told(Word.FULL, datetime(2026, month, 3, 9, tzinfo=UTC))]
        return {one.id: availability(one.capacity, told, NOW)}

    assert only(rank([one], PERSON, NOW, full_since(11))).against == ("Full since 3 November",)
    assert only(rank([one], PERSON, NOW, full_since(5))).suitable


def test_age_band_excludes_only_services_closed_to_all_of_it() -> None:
    at_60 = service(minimum_age=60)
    assert only(rank([at_60], Person(v.Need.DEBT, v.AgeBand.FROM_55, HOME), NOW)).suitable
    assert not only(rank([at_60], Person(v.Need.DEBT, v.AgeBand.FROM_45, HOME), NOW)).suitable


def test_times_and_costs_are_told() -> None:
    weekly = Schedule(
        rule="FREQ=WEEKLY;BYDAY=TU",
        start=None,
        until=None,
        opens_at=time(10),
        closes_at=None,
        text="",
    )
    one = only(
        rank([service(schedules=(weekly,), costs=(Cost(amount=Decimal("4.5"), text=""),))], PERSON, NOW)
    )
    assert "Next on Tuesday 24 November, 10am" in one.sentences
    assert "£4.50" in one.sentences
    prices = (Cost(amount=Decimal(3), text="a session"), Cost(amount=Decimal(2), text="a session (members)"))
    assert "£3 a session" in only(rank([service(costs=prices[:1])], PERSON, NOW)).sentences
    assert "From £2 a session (members)" in only(rank([service(costs=prices)], PERSON, NOW)).sentences
    over = weekly.model_copy(update={"until": date(2026, 11, 1)})
    assert WhyNot.NO_TIMES in only(rank([service(schedules=(over,))], PERSON, NOW)).why_not


@pytest.mark.parametrize(
    ("audience", "code", "said"),
    [
        (Audience.WOMEN, WhyNot.FOR_WOMEN, "Its listing says that it is for women: check that it suits them"),
        (Audience.MEN, WhyNot.FOR_MEN, "Its listing says that it is for men: check that it suits them"),
    ],
)
def test_a_service_for_one_sex_says_so_and_is_not_first(audience: Audience, code: WhyNot, said: str) -> None:
    marked, unmarked = service(1, audience=audience), service(2, locations=(at(north(7)),))
    found = rank([marked, unmarked], PERSON, NOW)
    assert [one.service.record for one in found] == ["2", "1"]
    assert (code in found[1].why_not, said in found[1].against, found[1].suitable) == (True, True, True)


def test_from_home_is_near() -> None:
    one = only(rank([service(locations=(at(None, virtual=True),))], PERSON, NOW))
    assert one.suitable
    assert "It can be joined from home" in one.sentences


def test_their_language_is_told() -> None:
    polish = Person(v.Need.DEBT, at=HOME, language="pol")
    assert Why.LANGUAGE in only(rank([service(languages=("pl",))], polish, NOW)).why
    urdu = Person(v.Need.DEBT, at=HOME, language="ur")
    assert Why.LANGUAGE in only(rank([service(languages=("ur",))], urdu, NOW)).why


def test_ranking_puts_suitable_nearest_first_near_misses_last() -> None:
    far, near, full, next_door = (
        service(1, locations=(at(north(6)),)),
        service(2, locations=(at(north(3)),)),
        service(3, capacity=Capacity.NO_CAPACITY),
        service(4),
    )
    found = rank([far, near, full, next_door], PERSON, NOW)
    assert [one.service.record for one in found] == ["4", "2", "1", "3"]


def test_sensitive_needs_are_matched_by_what_the_vault_says() -> None:
    gambling = service(needs=(), sensitive_needs=(v.SensitiveNeed.GAMBLING,))
    told = Person(v.Need.SENSITIVE, sensitive=frozenset({v.SensitiveNeed.ABUSE}))
    assert not answers(gambling, told)
    assert answers(gambling, Person(v.Need.SENSITIVE, sensitive=frozenset({v.SensitiveNeed.GAMBLING})))
    assert answers(gambling, Person(v.Need.SENSITIVE))  # the vault is away: all of them, and no guess
    assert not answers(gambling, PERSON)


@given(
    st.lists(
        st.builds(
            lambda n, km, capacity, months, free: service(
                n,
                locations=(at(north(km)) if km is not None else at(None),),
                capacity=capacity,
                assured_on=NOW.date() - timedelta(days=30 * months),
                costs=(Cost(amount=Decimal(free), text=""),) if free is not None else (),
            ),
            st.integers(1, 10**6),
            st.none() | st.floats(0, 30),
            st.none() | st.sampled_from(Capacity),
            st.integers(0, 40),
            st.none() | st.integers(0, 9),
        ),
        max_size=12,
        unique_by=lambda one: one.id,
    ),
    st.randoms(),
)
def test_the_order_of_the_feed_does_not_matter(services: list[Service], chance: Any) -> None:
    shuffled = list(services)
    chance.shuffle(shuffled)
    found = rank(services, PERSON, NOW, limit=50)
    assert [one.service.id for one in rank(shuffled, PERSON, NOW, limit=50)] == [
        one.service.id for one in found
    ]
    assert [one.suitable for one in found] == sorted((one.suitable for one in found), reverse=True)
    for one in found:
        assert len(one.why) == len(one.sentences)
        assert len(one.why_not) == len(one.against)
        assert one.suitable or one.against
        assert one.distance_km is None or (one.distance_km > FAR_KM) == (WhyNot.TOO_FAR in one.why_not)


def test_a_moment_is_said_as_one_says_it() -> None:
    assert spoken(datetime.fromisoformat("2026-07-07T12:00+00:00")) == "Tuesday 7 July, 1pm"
    assert spoken(datetime.fromisoformat("2026-12-08T00:30+00:00")) == "Tuesday 8 December, 12:30am"


def test_distances_come_from_the_postcode_and_never_from_a_town() -> None:
    place = postcodes.lookup("ST3 6AB")
    assert place is not None
    near = only(rank([service()], Person(v.Need.DEBT, at=place.position), NOW))
    assert near.distance_km is not None
    assert near.distance_km < 2
