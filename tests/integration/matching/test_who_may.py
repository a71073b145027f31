"""Every route, tried by everybody: without a token, in the wrong role, from elsewhere, on another's case."""

from dataclasses import dataclass
from typing import Any

from shared.platform.ids import new_id
from shared.platform.web.principal import ROLES
from tests.harness.matching.plans import prescribed
from tests.harness.matching.service_harness import OTHER_PRACTICE, PRACTICE, MatchingHarness

KEPT_FREE = {"day": "2027-02-01", "begins": "09:00", "ends": "10:00", "kind": "training"}
STEP = {"code": "ring", "on": "2026-12-31"}
OWN, DESK, ANSWER, HAND = (
    {"link_worker"},
    {"link_worker", "referrer"},
    {"link_worker", "provider"},
    {"link_worker", "programme_admin"},
)
HANDS_OVER = {"link_worker", "manager", "programme_admin"}
MANAGER = {"manager"}
HANDED = {"referrals": [new_id()], "link_worker": "lw-meir-2"}
# Everybody who works with services.
ANYBODY = set(ROLES) - {"manager"}
# All that a service may ask of matching.
SCOPES = "directory:read directory:write contacts:read links:write"


@dataclass(frozen=True)
class Try:
    """A route: who may use it, what is sent, and whether it is about one case."""

    roles: set[str]
    body: Any = None
    case: bool = True


ROUTES: dict[tuple[str, str], Try] = {
    ("POST", "/audit/entries"): Try(
        {"guardian", "service"},
        {"locality": "meir", "referrals": [new_id()], "purpose": "audit"},
        case=False,
    ),
    ("GET", "/diary"): Try(HAND, case=False),
    ("GET", "/diaries"): Try(HAND | {"manager"}, case=False),
    ("GET", "/calendar-feed"): Try(OWN, case=False),
    ("POST", "/calendar-feed"): Try(OWN, case=False),
    ("DELETE", "/calendar-feed"): Try(OWN, case=False),
    ("GET", "/link-workers"): Try({"programme_admin"}, case=False),
    ("POST", "/link-workers/{link_worker}/undo"): Try({"programme_admin"}, case=False),
    ("POST", "/link-workers/{link_worker}/leave/preview"): Try(HAND, {"first": "2026-12-21"}, case=False),
    ("POST", "/link-workers/{link_worker}/leave/undo"): Try(HAND, {"first": "2026-12-21"}, case=False),
    ("POST", "/link-workers/{link_worker}/leave/end"): Try(
        HAND, {"first": "2026-12-21", "back_on": "2026-12-22"}, case=False
    ),
    ("GET", "/rooms"): Try({"programme_admin"}, case=False),
    ("PUT", "/rooms/{room}"): Try(
        {"programme_admin"},
        {"id": "room-x", "locality": "nowhere", "site": "Site", "name": "Room"},
        case=False,
    ),
    ("POST", "/rooms/{room}/undo"): Try({"programme_admin"}, case=False),
    ("GET", "/caseload"): Try(OWN, case=False),
    ("GET", "/needs-you"): Try(OWN, case=False),
    ("GET", "/meetings/{meeting_id}/options"): Try(DESK),
    ("POST", "/meetings/{meeting_id}/attended"): Try(OWN),
    ("POST", "/meetings/{meeting_id}/missed"): Try(OWN),
    ("POST", "/meetings/{meeting_id}/cancelled"): Try(OWN, {"by": "person", "why": "unwell"}),
    ("POST", "/meetings/{meeting_id}/another-time"): Try(DESK, {}),
    ("POST", "/meetings/{meeting_id}/confirmed"): Try(DESK),
    ("GET", "/referrals/{referral_id}"): Try(OWN),
    ("GET", "/referrals/{referral_id}/options"): Try(OWN),
    ("GET", "/referrals/{referral_id}/services"): Try(OWN),
    ("POST", "/referrals/{referral_id}/book"): Try(OWN, {}),
    ("POST", "/referrals/{referral_id}/later"): Try(OWN, {"on": "2027-01-11"}),
    ("POST", "/referrals/{referral_id}/plan"): Try(OWN, {"next_step": STEP}),
    ("POST", "/referrals/{referral_id}/prescriptions"): Try(OWN, {"service_id": new_id(), "need": "debt"}),
    ("POST", "/referrals/{referral_id}/contacts"): Try(OWN, {"channel": "phone", "reached": True}),
    ("POST", "/referrals/{referral_id}/unmet-needs"): Try(OWN, {"need": "debt", "reason": "full"}),
    ("POST", "/referrals/{referral_id}/retractions"): Try(
        OWN, {"source": "/meir/matching", "event_id": new_id()}
    ),
    ("POST", "/referrals/{referral_id}/next-step"): Try(OWN, {"next_step": STEP}),
    ("POST", "/referrals/{referral_id}/sharing"): Try(OWN, {"agreement": "follow_up", "agreed": "yes"}),
    ("POST", "/referrals/{referral_id}/link-worker"): Try(HANDS_OVER, {"link_worker": "lw-meir-1"}),
    ("POST", "/referrals/{referral_id}/cover"): Try(OWN, {"reason": "away"}, case=False),
    ("POST", "/referrals/{referral_id}/cover/end"): Try(OWN, case=False),
    ("GET", "/referrals/{referral_id}/covers"): Try(OWN),
    ("POST", "/referrals/{referral_id}/take"): Try(OWN, case=False),
    ("GET", "/team/queue"): Try(OWN, case=False),
    ("POST", "/hand-overs/preview"): Try(HANDS_OVER, HANDED, case=False),
    ("POST", "/hand-overs"): Try(HANDS_OVER, HANDED, case=False),
    ("GET", "/hand-overs/{batch}"): Try(HANDS_OVER),
    ("POST", "/hand-overs/{batch}/undo"): Try(HANDS_OVER),
    ("GET", "/desk"): Try(MANAGER, case=False),
    ("GET", "/desk/quality"): Try(MANAGER, case=False),
    ("GET", "/desk/lists/{code}"): Try(MANAGER),
    ("POST", "/supervisions"): Try(MANAGER, {"link_worker": "lw-meir-1", "held_on": "2026-11-23"}),
    ("GET", "/supervisions"): Try({"manager", "link_worker"}, case=False),
    ("GET", "/supervisions/{session}"): Try(MANAGER),
    ("POST", "/supervisions/{session}/withdraw"): Try(MANAGER),
    ("POST", "/referrals/{referral_id}/no-longer-wants"): Try(DESK, {}),
    ("POST", "/referrals/{referral_id}/close"): Try(OWN, {"reason": "completed"}),
    ("POST", "/referrals/{referral_id}/reopen"): Try(OWN, {}),
    ("POST", "/referrals/{referral_id}/decline"): Try(OWN, {"by": "person", "reason": "other"}),
    ("POST", "/referrals/{referral_id}/return"): Try(OWN, {"reason": "wrong_place"}),
    ("POST", "/prescriptions/{prescription_id}/reply"): Try(ANSWER, {"reply": "accepted"}),
    ("POST", "/prescriptions/{prescription_id}/started"): Try(ANSWER, {"on": "2026-11-23"}),
    ("POST", "/prescriptions/{prescription_id}/not-started"): Try(ANSWER, {"barrier": "cost"}),
    ("POST", "/prescriptions/{prescription_id}/ended"): Try(OWN, {"reason": "completed"}),
    ("POST", "/prescriptions/{prescription_id}/link"): Try({"service"}),
    ("POST", "/plan-summaries"): Try(
        {"service"}, {"locality": "meir", "referrals": [new_id()], "on_behalf_of": "someone"}, case=False
    ),
    ("POST", "/case-link-workers"): Try(
        {"service"}, {"locality": "meir", "referrals": [new_id()]}, case=False
    ),
    ("POST", "/prescriptions/{prescription_id}/link/end"): Try(OWN),
    ("POST", "/prescriptions/{prescription_id}/link/send"): Try(OWN),
    ("GET", "/services"): Try(ANYBODY, case=False),
    ("GET", "/services/{service_id}"): Try(ANYBODY, case=False),
    ("POST", "/services/{service_id}/places"): Try(HAND, {"free": True}, case=False),
    ("GET", "/directory/feeds"): Try({"programme_admin"}, case=False),
    ("PUT", "/directory/feeds/{feed}/localities/{locality}"): Try({"programme_admin"}, case=False),
    ("DELETE", "/directory/feeds/{feed}/localities/{locality}"): Try({"programme_admin"}, case=False),
    ("GET", "/directory/claims"): Try({"programme_admin"}, case=False),
    ("GET", "/directory/subscriptions"): Try({"programme_admin"}, case=False),
    ("PUT", "/directory/subscriptions/{feed}"): Try(
        {"programme_admin"}, {"url": "https://feed.example/"}, case=False
    ),
    ("POST", "/directory/subscriptions/{feed}/dry-run"): Try({"programme_admin"}, case=False),
    ("POST", "/directory/subscriptions/{feed}/fetch"): Try({"programme_admin"}, case=False),
    ("DELETE", "/directory/subscriptions/{feed}"): Try({"programme_admin"}, case=False),
    ("POST", "/directory/imports"): Try({"programme_admin", "service"}, {}, case=False),
    ("GET", "/link-workers/{link_worker}"): Try({"link_worker", "programme_admin", "service"}),
    ("PUT", "/link-workers/{link_worker}"): Try({"programme_admin", "service"}, case=False),
    ("POST", "/link-workers/{link_worker}/leave"): Try(HAND, {"first": "2027-02-01", "last": "2027-02-02"}),
    ("POST", "/link-workers/{link_worker}/off-sick"): Try(HAND, {"day": "2027-02-01"}),
    ("POST", "/link-workers/{link_worker}/appointments"): Try(HAND, KEPT_FREE),
    ("POST", "/link-workers/{link_worker}/appointments/preview"): Try(HAND, KEPT_FREE),
    ("GET", "/link-workers/{link_worker}/appointments/{appointment_id}"): Try(HAND),
    ("POST", "/link-workers/{link_worker}/appointments/{appointment_id}/remove"): Try(HAND),
    ("POST", "/link-workers/{link_worker}/appointments/{appointment_id}/put-back"): Try(HAND),
}


def test_every_route_is_tried(town: MatchingHarness) -> None:
    there = {
        (method.upper(), path.removeprefix("/api/matching/v1"))
        for path, methods in town.app.openapi()["paths"].items()
        if path.startswith("/api/matching/v1/")
        for method in methods
    }
    assert there == set(ROUTES)


async def test_who_may_use_which_route(town: MatchingHarness) -> None:
    referral, prescription = await prescribed(town)
    view = await town.view(referral)
    path_of = {
        "{referral_id}": referral,
        "{meeting_id}": view.story.meetings[-1].booked.meeting_id,
        "{prescription_id}": prescription,
        "{service_id}": view.story.prescriptions[0].prescribed.service_id,
        "{link_worker}": "lw-meir-1",
        "{feed}": "test",
        "{batch}": new_id(),
        "{session}": new_id(),
        "{code}": f"overdue?locality={town.slug}",
        "{appointment_id}": new_id(),
        "{locality}": town.slug,
    }
    before = view.facts
    for (method, route), tried in ROUTES.items():
        path = route
        for name, value in path_of.items():
            path = path.replace(name, value)
        path += "?need=debt" if route.endswith("/services") else ""
        path += "?feed=test" if route.endswith("/imports") else ""

        async def ask(
            headers: dict[str, str], method: str = method, path: str = path, body: Any = tried.body
        ) -> int:
            return (await town.http.request(method, path, json=body, headers=headers)).status_code

        assert await ask({}) == 401, route
        assert await ask({"authorization": "Bearer nonsense"}) == 401, route
        for role in ROLES:
            if role not in tried.roles:
                assert await ask(town.bearer(role, link_worker="lw-meir-1", practices=[PRACTICE])) == 403, (
                    route,
                    role,
                )
        if not tried.case:
            continue
        for role in sorted(tried.roles):
            own = {
                "link_worker": "lw-meir-1",
                "practices": [PRACTICE],
                "scopes": f"{SCOPES} service:{path_of['{service_id}']}",
            }
            elsewhere = town.bearer(role, **own | {"localities": ["elsewhere"]})
            assert await ask(elsewhere) == 404, (route, role, "another locality")
            others: dict[str, dict[str, Any]] = {
                "link_worker": {"link_worker": "lw-meir-9"},
                "referrer": {"practices": [OTHER_PRACTICE]},
                "provider": {"scopes": f"service:{new_id()}"},
            }
            if role in others:
                stranger = town.bearer(role, **own | others[role])
                assert await ask(stranger) == 404, (route, role, "another's case")
    assert (await town.view(referral)).facts == before  # not one of them changed anything


async def test_a_service_that_signs_in_answers_for_itself_alone(town: MatchingHarness) -> None:
    referral, prescription = await prescribed(town)
    service = (await town.view(referral)).story.prescriptions[0].prescribed.service_id
    own = town.bearer("provider", scopes=f"service:{service}")
    answer = await town.post(f"/prescriptions/{prescription}/reply", {"reply": "accepted"}, of=own)
    assert answer.status_code == 200


async def test_an_address_needs_the_scope_of_contacts(town: MatchingHarness) -> None:
    referral, _ = await prescribed(town)
    service = (await town.view(referral)).story.prescriptions[0].prescribed.service_id
    for scopes, told in (("directory:read", False), ("directory:read contacts:read", True)):
        headers = town.bearer("service", localities=["*"], scopes=scopes)
        answer = await town.http.get(f"/services/{service}", headers=headers)
        assert (answer.json()["asks_email"] is not None) is told, scopes


async def test_a_service_needs_the_scope_to_write_the_directory(town: MatchingHarness) -> None:
    for scopes, status in (("claims:read", 403), ("directory:write", 201)):
        headers = town.bearer("service", localities=["*"], scopes=scopes)
        answer = await town.http.post(
            "/directory/imports?feed=scoped", json={"contents": []}, headers=headers
        )
        assert answer.status_code == status


async def test_the_programme_speaks_for_its_own_localities_only(town: MatchingHarness) -> None:
    entry = {
        "id": "lw-elsewhere-1",
        "locality": "elsewhere",
        "name": "Somebody",
        "email": "a@b.example",
        "telephone": "01632 960402",
    }
    answer = await town.http.put("/link-workers/lw-elsewhere-1", json=entry, headers=town.admin())
    assert answer.status_code == 404


async def test_no_error_repeats_what_was_sent(town: MatchingHarness) -> None:
    secret = "9990000018"
    for path, body in (
        ("/referrals/9990000018/close", {"reason": secret}),
        (f"/referrals/{new_id()}/close", {"reason": secret, secret: 1}),
        (f"/meetings/{new_id()}/another-time", {"slot": secret}),
    ):
        answer = await town.post(path, body, of=town.link_worker())
        assert answer.status_code in (404, 422)
        assert secret not in answer.text
