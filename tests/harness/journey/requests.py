"""Things in an address, parameters and a valid body of each door's request, about one case."""

from collections.abc import Mapping
from typing import Any

from deploy.demo.link_workers import link_workers
from deploy.demo.services import directory_documents
from tests.harness.journey import travel as chapter
from tests.harness.journey.doors import Door
from tests.harness.journey.people import somebody
from tests.harness.journey.system import System
from tests.harness.journey.travel import Journey


def things(case: Journey) -> dict[str, str]:
    """Names in addresses, all of one referral."""
    return {
        **dict.fromkeys(("referral_id", "referral", "event_id", "endpoint_id"), case.referral),
        **dict.fromkeys(("meeting_id", "meeting"), case.meeting["id"]),
        **dict.fromkeys(("prescription_id", "prescription"), case.prescription),
        **dict.fromkeys(("service_id", "service"), case.service),
        "link_worker": case.link_worker,
        **dict.fromkeys(
            ("request", "batch", "session", "session_id", "appointment", "appointment_id", "row"),
            case.referral,
        ),
        "feed": f"demo-{case.locality}",
        "room": f"room-{case.locality}-1",
        "code": "overdue",
        "slug": case.locality,
        "ods": case.who.practice.ods,
        "locality": case.locality,
        "part": "booking",
    }


def query(case: Journey, door: Door) -> dict[str, str]:
    """The query parameters that a route needs."""
    in_address = door.method == "GET" or door.path.endswith("/mailbox")
    if door.path.startswith("/api/contract/v1/") and in_address:
        return {"locality": case.locality}
    if "claims/" in door.path:
        return {"locality": case.locality, "fields": "name", "purpose": "message"}
    if door.path.endswith("/services") and "referral_id" in door.path:
        return {"need": "debt"}
    if door.path.endswith(("/figures", "/failures", "/failures/referrals", "figures.csv")):
        return {"locality": case.locality}
    if door.path.endswith("/referrals") and door.method == "GET":
        return {"practice": case.who.practice.ods}
    return {"feed": f"demo-{case.locality}"} if door.path.endswith("/imports") else {}


def body(system: System, case: Journey, door: Door) -> Any:
    """A valid body of the request."""
    if door.method == "GET":
        return None
    ending = door.path.rsplit("/", 1)[-1]
    for_user: dict[str, Any] = {}
    if door.path.startswith("/api/contract/v1/booking/"):
        for_user = {"locality": case.locality, "on_behalf_of": "someone"}
    if door.path.startswith("/api/contract/v1/directory/"):
        asked = {"need": "debt", "services": [case.service], "service": case.service, "reply": "full"}
        return {"locality": case.locality} | _of_directory(ending, asked)
    if ending == "referrals":
        return for_user | dict(somebody(case.who.practice, system.localities).body)
    if ending == "imports":
        return for_user | directory_documents(chapter.today(system))[case.locality]
    bodies: dict[str, Any] = {
        "withdraw": {"reason": "other"},
        "claims": {"locality": case.locality, "referrals": [case.referral]}
        | {"fields": ["name"], "purpose": "message"},
        "notes": {"locality": case.locality, "kind": "note", "text": "A note"},
        "read": {"locality": case.locality, "referral": case.referral, "notes": [case.referral]},
        "cancelled": {"by": "person", "why": "unwell"},
        "later": {"on": chapter.day(system, 9)},
        "prescriptions": {"service_id": case.service, "need": "craft"},
        "contact": {"telephone": "07700 900456", "safe_to_text": "ring"},
        "case-link-workers": {"locality": case.locality, "referrals": [case.referral]},
        "places": {"free": True},
        "contacts": {"channel": "phone", "reached": True},
        "unmet-needs": {"need": "job", "reason": "no_service"},
        "retractions": {"source": f"/{case.locality}/matching", "event_id": case.referral},
        "next-step": {"next_step": {"code": "ring", "on": chapter.day(system, 9)}},
        "sharing": {"agreement": "follow_up", "agreed": "yes"},
        "link-worker": {"link_worker": "lw-meir-2"},
        "close": {"reason": "completed"},
        "decline": {"by": "person", "reason": "does_not_want"},
        "return": {"reason": "wrong_place"},
        "reply": {"reply": "full"},
        "started": {"on": chapter.day(system, 0)},
        "not-started": {"barrier": "transport"},
        "ended": {"reason": "left"},
        "leave": {"first": chapter.day(system, 5), "last": chapter.day(system, 6)},
        "{link_worker}": next(
            each for each in link_workers(chapter.today(system)) if each["id"] == case.link_worker
        ),
    }
    return for_user | (_of_the_programme(system, case, door) or bodies.get(ending, {}))


def _of_the_programme(system: System, case: Journey, door: Door) -> dict[str, Any]:
    """A valid body for what runs a programme, a team or a diary; empty for other routes."""
    kept_free = {"day": chapter.day(system, 5), "begins": "09:00", "ends": "10:00", "kind": "training"}
    handed = {"link_worker": "lw-meir-2", "referrals": [case.referral]}
    notices = {"change": {"kind": "set_notices", "notices": []}}
    away = {"first": chapter.day(system, 5), "last": chapter.day(system, 6)}
    room = {"id": f"room-{case.locality}-1", "locality": case.locality, "site": "Centre", "name": "room 1"}
    bodies: dict[str, Any] = {
        "/people/find": {
            "name": case.who.body["family_name"],
            "date_of_birth": case.who.body["date_of_birth"],
        },
        "/table/preview": notices,
        "/table/changes": notices,
        "/table/back": {"version": 1},
        "/appointments": kept_free,
        "/appointments/preview": kept_free,
        "/leave/preview": away,
        "/leave/undo": away,
        "/leave/end": {"first": chapter.day(system, 5), "back_on": chapter.day(system, 6)},
        "/hand-overs": handed,
        "/hand-overs/preview": handed,
        "/cover": {"reason": "away"},
        "/rooms/{room}": room,
        "/subscriptions/{feed}": {"url": "https://feed.example/services"},
    }
    return next((body for ending, body in bodies.items() if door.path.endswith(ending)), {})


def _of_directory(ending: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    names = {"find": ("need",), "read": ("services",), "answer": ("service", "reply")}
    return {name: asked[name] for name in names.get(ending, ())}
