"""Small parts beside booking: as much of each as the kit tries, right or wrong by the switches."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from conformance.events import Event
from conformance.world import SERVICE
from tests.harness.conformance.small_part import Key, SmallPart
from tests.harness.conformance.small_server import Problem, allowed, owned
from tests.harness.conformance.stages import folded_state

_LINK_WORKERS = "/api/contract/v1/casework/link-workers"
_AGREEMENT = {"by": "person", "how": "in_person", "at": "2026-01-05T09:00:00Z"}


class _WithHands(SmallPart, ABC):
    """A part at which an adapter does what people do: `do` gives the answer."""

    def routes(self) -> list[Route]:
        return [Route("/hands", self._hands, methods=["POST"]), *self.operations()]

    def operations(self) -> list[Route]:
        return []

    @abstractmethod
    async def do(self, body: dict[str, Any]) -> dict[str, Any] | None:
        """Does what a person does. Gives None for what the part does not know."""

    async def _hands(self, request: Request) -> JSONResponse:
        body = await request.json()
        if body["do"] == "link_workers":
            return JSONResponse({})
        found = await self.do(body)
        return JSONResponse({}, 501) if found is None else JSONResponse(found)

    def folded(self, key: Key) -> Mapping[str, Any]:
        """The state of a referral, as the vectors have it."""
        return folded_state(self.stored.facts[key].values(), self.sources)

    def facts(self, key: Key, kind: str) -> list[Event]:
        """Facts of a kind that nobody retracted, the first first."""
        every = list(self.stored.facts[key].values())
        gone = {(f.data["event_source"], f.data["event_id"]) for f in every if f.kind == "retracted"}
        return [f for f in every if f.kind == kind and (f.source, f.id) not in gone]


class SmallReferral(_WithHands):
    """Intake with a vault in memory."""

    part = "referral"

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # By referral: the person's name and locality; None once erased.
        self.vault: dict[str, dict[str, str] | None] = {}
        self.open: dict[tuple[str, str], tuple[str, str]] = {}

    def operations(self) -> list[Route]:
        path = "/api/referral/v1/claims"
        return [Route(path, self._many, methods=["POST"]), Route(f"{path}/{{of}}", self._one)]

    async def do(self, body: dict[str, Any]) -> dict[str, Any] | None:
        slug, referral = body["locality"], body.get("referral_id", "")
        if body["do"] == "refer":
            async with self._busy:
                return await self._refer(slug, body.get("person") or str(uuid4()))
        if body["do"] == "withdraw":
            if not self.facts((slug, referral), "referral_withdrawn") or "withdraws twice" in self.faults:
                await self.say(
                    slug, referral, "referral_withdrawn", {"by": "practice", "reason": "person_asked"}
                )
            return {}
        if body["do"] == "contact":
            known = self.facts((slug, referral), "contact_changed")
            if not known or "says contact twice" in self.faults:
                await self.say(slug, referral, "contact_changed", {"contact": body["contact"]})
            return {}
        if body["do"] == "erase":
            if "keeps the erased" not in self.faults:
                self.vault[referral] = None
            if "knows the erased again" not in self.faults:
                self.open = {who: open_ for who, open_ in self.open.items() if open_[0] != referral}
            await self.say(slug, referral, "person_erased", {"person_ref": self._ref(slug, referral)})
            return {}
        if body["do"] == "state":
            active = self.state((slug, referral)).active
            return {"stage": "booked" if active and "shows no meeting" not in self.faults else "waiting"}
        if body["do"] == "stage":
            hidden = "shows no meeting" in self.faults
            return {"stage": "waiting" if hidden else self.folded((slug, referral))["stage"]}
        return None

    async def kill(self) -> None:
        await super().kill()
        if "forgets people when killed" in self.faults:
            self.vault.clear()

    def _ref(self, slug: str, referral: str) -> str:
        return str(self.facts((slug, referral), "referral_created")[0].data["person_ref"])

    async def _refer(self, slug: str, person: str) -> dict[str, Any]:
        if not self.decides(slug):
            return {"refused": "not_owner"}
        where = "" if "one reference everywhere" in self.faults else slug
        known = self.open.get((slug, person))
        if known and "refers twice" not in self.faults:
            return {"refused": "already_open", "referral_id": known[0]}
        referral = self.new_id()
        same = next(
            (ref for (place, who), (_, ref) in self.open.items() if who == person and place == where), None
        )
        shared = (
            next((ref for (_, who), (_, ref) in self.open.items() if who == person), None)
            if not where
            else None
        )
        ref = same or shared or self.new_id()
        self.vault[referral] = {
            "name": "Example Person",
            "telephone": "+441632960000",
            "safe_to_text": "yes",
            "slug": slug,
        }
        self.open[slug, person] = (referral, ref)
        body = {
            "practice": "Z00001",
            "person_ref": ref,
            "route": "practice",
            "age_band": "65-74",
            "needs": ["befriending"],
            "agreement": _AGREEMENT,
            "risk": "none_known",
            "contact": "yes",
        }
        for _ in range(2 if "creates twice" in self.faults else 1):
            await self.say(slug, referral, "referral_created", body)
        return {"referral_id": referral}

    async def _many(self, request: Request) -> JSONResponse:
        body = await request.json()
        await allowed(self, request, "claims:read", body["locality"])
        people, missing = {}, {}
        for each in body["referrals"]:
            found = self.vault.get(each)
            if found is None:
                missing[each] = 410 if each in self.vault else 404
            else:
                names = found if "gives every field" in self.faults else body["fields"]
                people[each] = {name: found[name] for name in names}
        return JSONResponse({"people": people, "missing": missing})

    async def _one(self, request: Request) -> JSONResponse:
        await allowed(self, request, "claims:read", request.query_params["locality"])
        of = request.path_params["of"]
        found = self.vault.get(of)
        if found is None:
            raise Problem(410, "erased") if of in self.vault else Problem(404, "no_such_referral")
        return JSONResponse({name: found[name] for name in request.query_params.getlist("fields")})


class SmallCasework(_WithHands):
    """Casework: whose a case is, and the list of link workers."""

    part = "casework"

    def operations(self) -> list[Route]:
        path = "/api/matching/v1/case-link-workers"
        return [Route(path, self._cases, methods=["POST"]), Route(_LINK_WORKERS, self._listed)]

    async def do(self, body: dict[str, Any]) -> dict[str, Any] | None:
        if body["do"] != "attended":
            return None
        owned(self, body["locality"])
        meeting = str(uuid4()) if "names another meeting" in self.faults else body["meeting_id"]
        await self.say(body["locality"], body["referral_id"], "meeting_attended", {"meeting_id": meeting})
        return {}

    async def _cases(self, request: Request) -> JSONResponse:
        body, found = await request.json(), {}
        await allowed(self, request, "contacts:read", body["locality"])
        owned(self, body["locality"])
        for referral in body["referrals"]:
            if worker := self._worker((body["locality"], referral)):
                found[referral] = worker
        return JSONResponse({"link_workers": found})

    def _worker(self, key: Key) -> str | None:
        meetings = self.state(key).meetings
        if "forgets handed over cases" in self.faults and meetings:
            return str(meetings[-1].booking.data["link_worker"])
        worker: str | None = self.folded(key)["meetings"]["link_worker"]
        return worker

    async def _listed(self, request: Request) -> JSONResponse:
        slug = request.query_params["locality"]
        await allowed(self, request, "contacts:read", slug)
        if request.headers.get("if-none-match") == '"1"':
            return JSONResponse(None, 304)
        name = "priya" if "makes up ids" in self.faults else f"lw-{slug}-1"
        return JSONResponse(
            {"link_workers": [{"id": name, "hours": [], "leave": []}]}, headers={"etag": '"1"'}
        )


class SmallDirectory(_WithHands):
    """Directory: mailboxes of services, and one-tap links."""

    part = "directory"

    def operations(self) -> list[Route]:
        return [
            Route("/api/matching/v1/services/{of}", self._service),
            Route("/api/matching/v1/prescriptions/{of}/link", self._link, methods=["POST"]),
            Route("/api/contract/v1/directory/prescriptions/{of}/answer", self._answer, methods=["POST"]),
        ]

    async def do(self, body: dict[str, Any]) -> dict[str, Any] | None:
        return {"service_id": SERVICE} if body["do"] == "service" else None

    async def _service(self, request: Request) -> JSONResponse:
        await allowed(self, request, "contacts:read directory:read", request.query_params["locality"])
        if request.path_params["of"] != SERVICE and "knows every service" not in self.faults:
            raise Problem(404, "unknown_service")
        return JSONResponse({"service": {"id": SERVICE, "name": "Example"}, "asks_email": None})

    async def _link(self, request: Request) -> JSONResponse:
        slug = request.query_params["locality"]
        await allowed(self, request, "links:write", slug)
        owned(self, slug)
        self._case_of(slug, request.path_params["of"])
        return JSONResponse({"url": "https://link.example.org/"})

    async def _answer(self, request: Request) -> JSONResponse:
        body, of = await request.json(), request.path_params["of"]
        await allowed(self, request, "links:write", body["locality"])
        owned(self, body["locality"])
        case = self._case_of(body["locality"], of)
        for _ in range(2 if "answers twice" in self.faults else 1):
            said = {"prescription_id": of, "reply": body["reply"]}
            await self.say(*case, "provider_replied", said)
        return JSONResponse({"prescription_id": of})

    def _case_of(self, slug: str, prescription: str) -> Key:
        """The open case that has a prescription. Raises Problem if there is none."""
        for key in list(self.stored.facts):
            named = [f.data["prescription_id"] for f in self.facts(key, "service_prescribed")]
            ended = self.state(key).ended and "links the ended" not in self.faults
            if key[0] == slug and prescription in named and not ended:
                return key
        raise Problem(404, "unknown_prescription")


class SmallNotifications(SmallPart):
    """Notifications: one text about each meeting that stands."""

    part = "notifications"

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._kept: dict[str, dict[str, Any]] = {}

    async def act(self, key: Key, *, again: bool = False) -> None:
        async with self._busy:
            await self._tell(key)

    async def _tell(self, key: Key) -> None:
        slug, referral = key
        state = self.state(key)
        created = [f for f in self.stored.facts[key].values() if f.kind == "referral_created"]
        ended = state.ended and "keeps numbers" not in self.faults
        if ended or state.active is None or not created:
            return
        name = f"{referral}/{state.active.id}"
        if name in self.stored.replies or self._too_old(state.active.booking):
            return
        if not self.decides(slug):
            # The owner tells of it.
            self.stored.replies[name] = (None, None)
            return
        contact = created[0].data["contact"]
        path = f"{self.url}/api/referral/v1/claims/{referral}"
        query = {"locality": slug, "fields": ["telephone", "safe_to_text"], "purpose": "message"}
        answer = await self.http.get(path, params=query, headers=self.bearer)
        person = {"telephone": "+447700900999", **answer.json()}
        self._kept = {**self._kept, **({referral: person} if answer.is_success else {})}
        if "keeps numbers" in self.faults:
            person = self._kept.get(referral, person)
        plain = contact == "yes" and person.get("safe_to_text") == "yes"
        self.stored.replies[name] = (None, None)
        if plain or "writes to everybody" in self.faults:
            for _ in range(2 if "tells twice" in self.faults else 1):
                text = {"to": person["telephone"], "body": "An appointment.", "reference": name}
                await self.http.post(f"{self.url}/texts", json=text)

    def _too_old(self, booking: Event) -> bool:
        age = datetime.now(UTC) - booking.recorded
        return age > timedelta(hours=24) and "sends old news" not in self.faults


class SmallEvaluation(_WithHands):
    """Evaluation: how many people were referred."""

    part = "evaluation"

    async def do(self, body: dict[str, Any]) -> dict[str, Any] | None:
        if body["do"] != "figures":
            return None
        return {
            "referrals": sum(
                self._counts(key) for key in list(self.stored.facts) if key[0] == body["locality"]
            )
        }

    def _counts(self, key: Key) -> bool:
        if "never takes away" in self.faults:
            return any(f.kind == "referral_created" for f in self.stored.facts[key].values())
        state = self.folded(key)
        if state["endings"]["erased"] and "forgets the erased" in self.faults:
            return False
        endings = {(each["kind"], each["reason"]) for each in state["endings"]["endings"]}
        wrong = endings & {("withdrawn", "made_in_error"), ("declined", "duplicate")}
        return state["creation"] is not None and (not wrong or "counts errors" in self.faults)
