"""A feed is offered where it was added, and elsewhere after that locality's yes."""

import orjson

from tests.harness.feed.records import LUNCH_CLUB_ID, lunch_club
from tests.harness.matching.service_harness import MatchingHarness

FEED = "/directory/imports?feed=hub"


async def found(here: MatchingHarness, locality: str) -> int:
    headers = here.bearer("referrer", localities=[locality], practices=["M83032"])
    answer = await here.http.get("/services", headers=headers)
    one = await here.http.get(f"/services/{LUNCH_CLUB_ID}", headers=headers)
    assert (one.status_code == 200) is bool(answer.json()["total_items"])
    return int(answer.json()["total_items"])


async def test_a_feed_is_offered_elsewhere_after_a_yes(here: MatchingHarness) -> None:
    document = orjson.dumps(lunch_club())
    await here.http.post(FEED, content=document, headers=here.admin())
    assert (await found(here, here.slug), await found(here, "elsewhere")) == (1, 0)
    theirs = here.bearer("programme_admin", localities=["elsewhere"])
    at = "/directory/feeds/hub/localities/elsewhere"
    assert (await here.http.put(at, headers=here.admin())).status_code == 404  # not theirs to say
    accepted = await here.http.put(at, headers=theirs)
    assert accepted.json() == {
        "feed": "hub",
        "owners": [here.slug],
        "localities": sorted([here.slug, "elsewhere"]),
    }
    assert await found(here, "elsewhere") == 1
    await here.http.post(FEED, content=document, headers=here.admin())
    assert await found(here, "elsewhere") == 1  # a further import changes nothing of it
    assert (await here.http.post(FEED, content=document, headers=theirs)).status_code == 404
    await here.http.delete(at, headers=theirs)
    assert (await found(here, here.slug), await found(here, "elsewhere")) == (1, 0)


async def test_a_feed_for_all_localities_waits_for_each_of_them(here: MatchingHarness) -> None:
    hub = here.bearer("service", localities=["*"], scopes="directory:write")
    taken = await here.http.post(FEED, content=orjson.dumps(lunch_club()), headers=hub)
    assert (taken.status_code, taken.json()["services"]) == (201, 1)
    assert await found(here, here.slug) == 0
    yes = f"/directory/feeds/hub/localities/{here.slug}"
    assert (await here.http.put(yes, headers=here.admin())).status_code == 200
    assert (await found(here, here.slug), await found(here, "elsewhere")) == (1, 0)


async def test_a_service_not_offered_here_is_not_put_in_a_plan(here: MatchingHarness) -> None:
    hub = here.bearer("service", localities=["*"], scopes="directory:write")
    await here.http.post(FEED, content=orjson.dumps(lunch_club()), headers=hub)
    referral = await here.refer()
    await here.met(referral)
    body = {"service_id": LUNCH_CLUB_ID, "need": "befriending"}
    done = await here.post(f"/referrals/{referral}/prescriptions", body, of=here.link_worker())
    assert (done.status_code, done.json()["type"]) == (404, "urn:linkwork:problem:unknown_service")


async def test_places_of_a_service_are_told_where_it_is_offered(here: MatchingHarness) -> None:
    await here.http.post(FEED, content=orjson.dumps(lunch_club()), headers=here.admin())
    at, said = f"/services/{LUNCH_CLUB_ID}/places", {"free": True}
    elsewhere = here.bearer("programme_admin", localities=["elsewhere"])
    assert (await here.http.post(at, json=said, headers=elsewhere)).status_code == 404
    assert (await here.http.post(at, json=said, headers=here.admin())).status_code == 204


async def test_an_unknown_feed_cannot_be_offered(here: MatchingHarness) -> None:
    missing = f"/directory/feeds/none/localities/{here.slug}"
    assert (await here.http.put(missing, headers=here.admin())).status_code == 404
