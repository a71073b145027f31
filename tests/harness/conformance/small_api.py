"""The operations of the small booking part."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from conformance.meetings import Meeting
from tests.harness.conformance import decide
from tests.harness.conformance.small_server import Problem, allowed, owned

if TYPE_CHECKING:
    from tests.harness.conformance.small_booking import SmallBooking
    from tests.harness.conformance.small_part import Key

_BASE = "/api/contract/v1/booking"


class Operations:
    """What other parts ask of booking."""

    def __init__(self, part: "SmallBooking") -> None:
        self.part = part

    def routes(self) -> list[Route]:
        return [
            Route(f"{_BASE}/meetings/{{of}}/options", self._options),
            Route(f"{_BASE}/meetings/{{of}}/place", self._place),
            Route(f"{_BASE}/meetings/{{of}}/{{do}}", self._command, methods=["POST"]),
            Route(f"{_BASE}/referrals/{{of}}/{{do}}", self._command, methods=["POST"]),
            Route(f"{_BASE}/capacity", self._capacity),
        ]

    def _meeting(self, meeting_id: str, slug: str) -> tuple["Key", Meeting]:
        for key in self.part.stored.facts:
            for each in self.part.state(key).meetings:
                if each.id == meeting_id and key[0] == slug:
                    return key, each
        raise Problem(404, "unknown_meeting")

    async def _options(self, request: Request) -> JSONResponse:
        await allowed(self.part, request, "meetings:read")
        key, _ = self._meeting(request.path_params["of"], request.query_params["locality"])
        found = self._times(key, int(request.query_params.get("count", 3)))
        return JSONResponse({"options": [{"key": _key(each), "place": "Room 1", **each} for each in found]})

    async def _place(self, request: Request) -> JSONResponse:
        await allowed(self.part, request, "meetings:read")
        _, found = self._meeting(request.path_params["of"], request.query_params["locality"])
        data = found.booking.data
        return JSONResponse(
            {"meeting_id": found.id, "practice": data["practice"], "place": "Room 1", "mode": "home"}
        )

    async def _capacity(self, request: Request) -> JSONResponse:
        await allowed(self.part, request, "capacity:read")
        free = 90 if "counts too much" in self.part.faults else 60
        weeks = [
            {"week": "2026-11-30", "times": 80, "free": free}
            for _ in range(int(request.query_params["weeks"]))
        ]
        return JSONResponse({"locality": request.query_params["locality"], "weeks": weeks, "practices": []})

    async def _command(self, request: Request) -> JSONResponse:
        await allowed(self.part, request, "meetings:write")
        body, do, of = await request.json(), request.path_params["do"], request.path_params["of"]
        key = request.headers.get("idempotency-key", "")
        known = self.part.stored.replies.get(key)
        if known and "forgets keys" not in self.part.faults:
            if known[0] != [do, of, body]:
                raise Problem(422, "idempotency_key")
            return JSONResponse(known[1])
        slug = body["locality"]
        owned(self.part, slug)
        which = (slug, of) if "/referrals/" in request.url.path else self._meeting(of, slug)[0]
        answer = await self._done(which, do, body)
        self.part.stored.replies[key] = ([do, of, body], answer)
        return JSONResponse(answer)

    async def _done(self, key: "Key", do: str, body: dict[str, Any]) -> dict[str, Any]:
        part, state = self.part, self.part.state(key)
        active = state.active
        if do == "confirmed" and active:
            data = {**active.booking.data, "provisional": False}
            if "confirms another meeting" in part.faults:
                data |= decide.booking({}, state, part.faults, agreed=True)
            await part.say(*key, "meeting_booked", data)
        elif do in ("another-time", "book"):
            found = self._times(key, 12)
            slot = next((each for each in found if _key(each) == body.get("slot")), found[0])
            await part.say(*key, "meeting_booked", decide.booking(slot, state, part.faults, agreed=True))
        elif do == "cancelled" and active:
            await self._cancel(key, active, body["by"], body["why"])
            if active.id in {each.id for each in part.state(key).meetings}:
                await self._again(key)
        elif do == "later":
            if active:
                await self._cancel(key, active, "person", "another_time")
            waits = {"reason": "asked_later", "expected_by": body["on"]}
            await part.say(*key, "meeting_waiting", waits)
        return self._after(key)

    async def _again(self, key: "Key") -> None:
        facts = list(self.part.stored.facts[key].values())
        for kind, body in decide.decide(facts, self.part.state(key), self.part.setting(key[0])):
            await self.part.say(*key, kind, body)

    async def _cancel(self, key: "Key", meeting: Meeting, by: str, why: str) -> None:
        await self.part.say(*key, "meeting_cancelled", {"meeting_id": meeting.id, "by": by, "why": why})

    def _times(self, key: "Key", count: int) -> list[dict[str, Any]]:
        facts = list(self.part.stored.facts[key].values())
        created = next(each for each in facts if each.kind == "referral_created")
        return decide.slots(created, facts, self.part.state(key), self.part.setting(key[0]), count)

    def _after(self, key: "Key") -> dict[str, Any]:
        active = self.part.state(key).active
        meeting = {"place": "Room 1", **active.booking.data} if active else None
        return {"referral_id": key[1], "meeting": meeting, "waiting": None, "expected_by": None}


def _key(slot: dict[str, Any]) -> str:
    return f"{slot['link_worker']}|{datetime.fromisoformat(slot['starts_at']).timestamp():.0f}"
