"""Access between parts: locality, purpose and owner, by the token and the table in force."""

from dataclasses import replace
from typing import Any

import pytest

from shared.contract.api import OPERATIONS
from shared.contract.api.booking import CAPACITY
from shared.contract.api.casework import CASE_LINK_WORKERS, LINK_WORKERS
from shared.contract.api.directory import ANSWER_LINK, ONE_TAP_LINK
from shared.contract.api.referral import CLAIMS
from shared.platform.localities import OWN_VAULT, Localities, Source
from shared.platform.web.principal import Principal, principal_of
from shared.platform.web.problem import Problem
from shared.platform.web.seams import check_asked, for_user
from tests.harness.matching.service_harness import programme

PARTNER = Principal(
    "partner-vast-hub",
    "partner",
    frozenset({"meir"}),
    partner="vast-hub",
    parts=frozenset({"notifications"}),
)
SERVICE = Principal("linkwork-notifications", "service", frozenset({"*"}))


def table(**owners: str) -> Localities:
    known = programme("meir")
    changed = tuple(replace(each, owners=owners) if each.slug == "meir" else each for each in known)
    return Localities(known.name, known.hub, changed, ())


def refused(*asked: Any, **more: Any) -> str | None:
    try:
        check_asked(*asked, **more)
    except Problem as problem:
        return problem.code
    return None


def test_partner_asks_for_its_part_purpose_and_locality() -> None:
    owns = table(notifications="vast-hub")
    assert refused(PARTNER, CLAIMS, "meir", owns, "message") is None
    assert refused(PARTNER, CLAIMS, "elsewhere", owns, "message") == "locality"
    assert refused(PARTNER, CLAIMS, "meir", owns, "caseload") == "purpose"
    assert refused(PARTNER, CLAIMS, "meir", owns, None) == "purpose"


@pytest.mark.parametrize("owners", [{}, {"notifications": "another"}, {"booking": "vast-hub"}])
def test_partner_that_does_not_own_the_part_is_refused(owners: dict[str, str]) -> None:
    assert refused(PARTNER, CLAIMS, "meir", table(**owners), "message") == "part"
    nameless = replace(PARTNER, partner=None)
    assert refused(nameless, CLAIMS, "meir", table(notifications="vast-hub"), "message") == "part"


def test_partner_that_follows_reads_link_workers() -> None:
    follower = replace(PARTNER, parts=frozenset({"booking"}))
    assert refused(follower, LINK_WORKERS, "meir", table()) is None
    assert refused(follower, CASE_LINK_WORKERS, "meir", table()) == "part"


def test_service_asks_where_its_token_covers_the_locality() -> None:
    assert refused(SERVICE, CLAIMS, "meir", table(), "message") is None
    assert (
        refused(replace(SERVICE, localities=frozenset({"elsewhere"})), CLAIMS, "meir", table()) == "locality"
    )


def test_part_of_another_owner_is_not_answered_here() -> None:
    elsewhere = table(booking="vast-hub")
    with pytest.raises(Problem) as refusal:
        check_asked(SERVICE, CAPACITY, "meir", elsewhere)
    assert refusal.value.document() | {"detail": "", "title": ""} == {
        "type": "urn:linkwork:problem:not_owner",
        "title": "",
        "status": 409,
        "detail": "",
        "part": "booking",
        "owner": "vast-hub",
    }
    assert refused(SERVICE, CLAIMS, "meir", elsewhere, "message") is None


def test_user_of_another_part_is_the_actor() -> None:
    person = Principal("referrer-m83100", "referrer")
    asked = for_user(SERVICE, "referrer-m83100")
    assert asked.actor(b"key") == person.actor(b"key") != SERVICE.actor(b"key")
    assert asked.subject == "linkwork-notifications for referrer-m83100"


def test_parts_of_a_token_are_a_partners_alone() -> None:
    claims = {"sub": "x", "partner": "vast-hub", "parts": ["booking"]}
    assert principal_of(claims | {"role": "partner"}).parts == {"booking"}
    assert principal_of(claims | {"role": "service"}).parts == frozenset()
    assert principal_of({"sub": "x", "role": "partner"}).parts == frozenset()


def test_every_operation_about_a_person_is_for_owners_only() -> None:
    open_to_followers = {each.name for each in OPERATIONS if not each.owners_only}
    assert open_to_followers == {
        "readCapacity",
        "readLinkWorker",
        "listLinkWorkers",
        "readServiceMailbox",
        "findServices",
        "readServices",
    }


def test_former_owner_passes_answers_on_while_named() -> None:
    former = replace(PARTNER, parts=frozenset({"directory"}))
    known = programme("meir")
    source = Source("/meir/vast-hub", "directory", 15, OWN_VAULT)

    def named(there: Source) -> Localities:
        places = tuple(
            replace(each, sources={**each.sources, there.source: there}) if each.slug == "meir" else each
            for each in known
        )
        return Localities(known.name, known.hub, places, ())

    assert refused(former, ANSWER_LINK, "meir", named(source)) is None
    assert refused(former, ANSWER_LINK, "meir", known) == "part"
    assert refused(former, ANSWER_LINK, "meir", named(replace(source, part="booking"))) == "part"
    assert refused(PARTNER, ANSWER_LINK, "meir", named(source)) == "part"
    assert refused(former, ONE_TAP_LINK, "meir", named(source)) == "part"
