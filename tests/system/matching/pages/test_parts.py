"""Look-ups and commands between parts, by their documents alone, asked of the running services."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.contract.events import vocabulary as v
from shared.platform.clock import LONDON
from shared.platform.ids import new_id
from shared.platform.localities import OWN_VAULT, Localities, Source
from shared.platform.outbound.certificates import trusted_by_clients
from tests.harness.contract.parts import Described, conforms, described
from tests.harness.matching.pages.running import PLACE, PagesHarness, Person
from tests.harness.parts.elsewhere import decides_again

OPERATIONS = described()
FOR_PARTNERS = [pytest.param(each, id=each.name) for each in OPERATIONS.values() if each.told["x-partners"]]
PARTS = ["referral", "booking", "casework", "directory", "notifications", "evaluation"]
STRANGER = "01938f1c-0000-7000-8000-00000000ffff"


@dataclass
class Stranger:
    """A program that knows the documents. `things` take the place of the examples' values."""

    harness: PagesHarness
    things: dict[str, Any] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    async def send(
        self,
        operation: Described,
        token: dict[str, str],
        headers: dict[str, str] | None = None,
        **changed: Any,
    ) -> httpx.Response:
        """Sends the example of an operation, with these things, to the part's owner."""
        things = {"locality": self.harness.here} | self.things | changed
        body, sent = operation.body(things), token | (headers or {})
        if body is not None:
            assert conforms(operation.document, operation.told["requestBody"], body), operation.name
        self.asked.add(operation.name)
        if operation.told["x-owner"] == "referral":
            http = self.harness.referral.http
            return await http.request(
                operation.method,
                operation.address(things),
                params=operation.query(things),
                json=body,
                headers=sent,
            )
        async with httpx.AsyncClient(base_url=self.harness.address, verify=trusted_by_clients()) as http:
            return await http.request(
                operation.method,
                operation.address(things),
                params=operation.query(things),
                json=body,
                headers=sent,
            )

    async def ask(
        self, name: str, headers: dict[str, str] | None = None, status: int | None = None, **changed: Any
    ) -> Any:
        """Asks as one of our services, and expects an answer as described."""
        operation = OPERATIONS[name]
        scopes = " ".join(operation.told["security"][0]["part"])
        token = self.harness.issuer.bearer(
            role="service", localities=["*"], scopes=scopes, subject="stranger"
        )
        answer = await self.send(operation, token, headers, **changed)
        first = next(iter(operation.told["responses"]))
        assert answer.status_code == (status or int(first)), f"{name}: {answer.status_code} {answer.text}"
        if answer.status_code == 304:
            return None
        assert operation.answers_as_described(answer.status_code, answer.json()), f"{name}: {answer.text}"
        return answer.json()

    def partner(self, operation: Described, **claims: Any) -> dict[str, str]:
        """A token of a partner with every right to this operation, but for these claims."""
        return self.harness.issuer.bearer(
            **{
                "role": "partner",
                "partner": "vast-hub",
                "subject": "partner-vast-hub",
                "localities": [self.harness.here],
                "parts": askers(operation),
                "scopes": " ".join(operation.told["security"][0]["part"]),
            }
            | claims
        )


def askers(operation: Described) -> list[str]:
    """The parts that may ask: the callers, or those who owned the part before."""
    return operation.told["x-callers"] or [operation.told["x-owner"]]


async def meeting_of(harness: PagesHarness, person: Person) -> str:
    """The meeting that stands."""
    found: str = (await harness.view(person)).story.active.booked.meeting_id
    return found


@asynccontextmanager
async def owned(harness: PagesHarness, *parts: str, brings: str = "") -> AsyncIterator[None]:
    """The partner owns these parts while the block runs, and has a source that `brings` one."""
    tables: list[Localities] = [harness.matching.state.localities, harness.referral.context.localities]
    before = [table.numbered(table.version, {}) for table in tables]
    source = Source(f"/{harness.here}/vast-hub", brings or "partner", 15, OWN_VAULT)
    for table in tables:
        changed = tuple(
            replace(
                each, owners=dict.fromkeys(parts, "vast-hub"), sources={**each.sources, source.source: source}
            )
            if each.slug == harness.here
            else each
            for each in table
        )
        outside = tuple(each for each in table._table.practices.values() if each.locality is None)
        table.become(Localities(table.name, table.hub, changed, outside, version=table.version))
    try:
        yield
    finally:
        for table, old in zip(tables, before, strict=True):
            table.become(old)
        for kernel in (harness.matching.state.kernel, harness.referral.context.kernel):
            for part in parts:
                await decides_again(kernel, harness.here, part)


async def test_every_example_is_answered_as_described(harness: PagesHarness) -> None:
    person, planned = await harness.refer(), await harness.refer()
    meeting = await meeting_of(harness, person)
    stranger = Stranger(harness, {"referral_id": person.referral, "referral": person.referral})
    ask = stranger.ask
    stranger.things |= {"link_worker": harness.worker, "referrals": [person.referral], "meeting_id": meeting}

    offered = await ask("listOtherTimes")
    chosen, key = offered["options"][-1], {"idempotency-key": new_id()}
    moved = await ask("chooseAnotherTime", key, slot=chosen["key"])
    assert await ask("chooseAnotherTime", key, slot=chosen["key"]) == moved  # done once
    assert moved["meeting"]["starts_at"] == chosen["starts_at"]
    refused = await ask("chooseAnotherTime", status=409, slot=chosen["key"])
    assert refused["type"].endswith(":meeting_not_standing")
    stranger.things["meeting_id"] = moved["meeting"]["meeting_id"]
    assert (await ask("confirmMeeting"))["meeting"]["provisional"] is False
    assert (await ask("readPlace"))["place"] == PLACE
    free = (await ask("readCapacity", weeks=8))["weeks"]
    assert len(free) == 8
    assert all(0 <= each["free"] <= each["times"] for each in free)
    again = await ask("cancelMeeting")
    assert again["meeting"]["meeting_id"] != stranger.things["meeting_id"]
    later = datetime.now(LONDON).date() + timedelta(days=30)
    waits = await ask("deferMeeting", on=later.isoformat())
    assert (waits["meeting"], waits["waiting"]) == (None, "asked_later")
    times = (await ask("listTimes"))["options"]
    assert (await ask("bookMeeting", slot=times[0]["key"]))["meeting"]["starts_at"] == times[0]["starts_at"]

    assert (await ask("readLinkWorker"))["entry"]["hours"]
    assert [each["id"] for each in (await ask("listLinkWorkers"))["link_workers"]][:1] == [harness.worker]
    found = await ask("readCaseLinkWorkers")
    assert found == {"link_workers": {person.referral: harness.worker}, "covering": {}}

    prescription = await harness.plan(planned)
    view = await harness.view(planned)
    service = view.story.prescriptions[-1].prescribed.service_id
    stranger.things |= {"prescription_id": prescription, "service_id": service}
    assert (await ask("readServiceMailbox"))["service"]["id"] == service
    assert "/s/" in (await ask("makeOneTapLink"))["url"]
    assert await ask("readPlans", referrals=[planned.referral]) == {"plans": {}}  # no consent
    assert await ask("readSharing", referral=planned.referral, prescription=prescription) == {"agreed": False}
    found = await ask("findServices", need=v.Need.BEFRIENDING.value)
    assert service in [each["id"] for each in found["services"]]
    assert [each["id"] for each in (await ask("readServices", services=[service]))["services"]] == [service]
    assert set(await ask("askMailbox")) == {"asked"}
    kept = await ask("answerLink", {"idempotency-key": new_id()}, service=service)
    assert kept == {"prescription_id": prescription}
    assert (await harness.view(planned)).story.prescriptions[-1].reply is v.Reply.WAITING_LIST

    people = await ask("readPeople")
    assert people["people"][person.referral]["name"] == person.name
    assert (await ask("readPerson"))["name"] == person.name
    note = (await ask("keepNote", {"idempotency-key": new_id()}))["note_id"]
    assert list((await ask("readNotes", notes=[note]))["notes"]) == [note]
    assert await ask("checkSession") == {"open": False}
    assert stranger.asked == set(OPERATIONS)


async def test_list_of_link_workers_tells_what_has_changed(harness: PagesHarness) -> None:
    operation, stranger = OPERATIONS["listLinkWorkers"], Stranger(harness)
    token = stranger.partner(operation)
    first = await stranger.send(operation, token)
    known = {"if-none-match": first.headers["etag"]}
    assert (await stranger.send(operation, token, known)).status_code == 304
    added = await harness.put_worker(9)
    changed = await stranger.send(operation, token, known)
    assert added in [each["id"] for each in changed.json()["link_workers"]]


@pytest.mark.parametrize("operation", FOR_PARTNERS)
async def test_partner_is_held_to_its_locality_part_and_scope(
    harness: PagesHarness, operation: Described
) -> None:
    stranger = Stranger(harness, {"link_worker": harness.worker})
    others = [part for part in PARTS if part not in askers(operation)]
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"localities": [harness.referral.far]}, "locality"),
        ({"localities": []}, "locality"),
        ({"parts": others}, "part"),
        ({"parts": None}, "part"),
        ({"scopes": "referrals:write"}, "scope"),
    ]
    if operation.told["x-owners-only"]:
        wrong += [({}, "part"), ({"partner": "another"}, "part"), ({"partner": None}, "part")]
    brings = operation.told["x-owner"] if "x-passed-on" in operation.told else ""
    async with owned(harness, *operation.told["x-callers"], brings=brings):
        allowed = await stranger.send(operation, stranger.partner(operation))
    assert allowed.status_code not in (401, 403), allowed.text
    for part, purposes in operation.told.get("x-purposes", {}).items():
        other = next(each for each in ("message", "caseload") if each not in purposes)
        async with owned(harness, part):
            refused = await stranger.send(operation, stranger.partner(operation, parts=[part]), purpose=other)
        assert refused.json()["type"].endswith(":purpose")
    for claims, code in wrong:
        refused = await stranger.send(operation, stranger.partner(operation, **claims))
        assert refused.status_code == 403, (claims, refused.text)
        assert refused.json()["type"].endswith(f":{code}"), (claims, refused.text)
        assert operation.answers_as_described(403, refused.json())


async def test_partner_reads_a_person_while_it_owns_the_part(harness: PagesHarness) -> None:
    person, operation = await harness.refer(), OPERATIONS["readPeople"]
    stranger = Stranger(harness, {"referrals": [person.referral], "purpose": "message"})
    token = stranger.partner(operation, parts=["notifications"])
    async with owned(harness, "notifications"):
        shown = await stranger.send(operation, token)
        elsewhere = await stranger.send(operation, token, locality=harness.referral.far)
        curious = await stranger.send(operation, token, purpose="caseload")
    back = await stranger.send(operation, token)
    assert shown.json()["people"][person.referral]["name"] == person.name
    assert [each.status_code for each in (elsewhere, curious, back)] == [403, 403, 403]
    reader = {"caller": "partner-vast-hub for lw-meir-1", "purpose": "message"}
    assert await harness.referral.mongo["audit"].find_one(reader) is not None


async def test_meeting_of_another_locality_is_unknown(harness: PagesHarness) -> None:
    person, operation = await harness.refer(), OPERATIONS["readPlace"]
    stranger = Stranger(harness, {"meeting_id": await meeting_of(harness, person)})
    both = [harness.here, harness.referral.far]
    token = harness.issuer.bearer(role="service", localities=both, scopes="meetings:read")
    here = await stranger.send(operation, token)
    far = await stranger.send(operation, token, locality=harness.referral.far)
    assert (here.status_code, far.status_code) == (200, 404)


async def test_part_that_is_elsewhere_names_its_owner(harness: PagesHarness) -> None:
    stranger = Stranger(harness, {"link_worker": harness.worker})
    async with owned(harness, "booking"):
        refused = await stranger.ask("readCapacity", status=409)
    assert (refused["type"].rpartition(":")[2], refused["owner"]) == ("not_owner", "vast-hub")


@pytest.mark.parametrize(
    "name", sorted(name for name in OPERATIONS if "404" in OPERATIONS[name].told["responses"])
)
async def test_what_does_not_exist_is_refused_as_described(harness: PagesHarness, name: str) -> None:
    stranger = Stranger(harness, {"link_worker": "lw-meir-9", "referral": STRANGER})
    stranger.things |= dict.fromkeys(("meeting_id", "referral_id", "service_id", "prescription_id"), STRANGER)
    await stranger.ask(name, status=404)
