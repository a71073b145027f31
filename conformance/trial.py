"""One trial of a clause: says, asks and waits, and keeps what was sent and what came for the report."""

import asyncio
import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import httpx

from conformance.answers import document
from conformance.clause import NOTHING, Broken, Clause, NotTried
from conformance.contract import differences
from conformance.events import Event, Ids, event_of
from conformance.kit import Kit
from conformance.meetings import Meeting, Referral, state_of

T = TypeVar("T")
# A kind that a later state of the contract may bring.
TO_COME: Final = ("weather_noted", "need_noted")
HALF_DAYS: Final = [f"{day}_{half}" for day in ("mon", "tue", "wed", "thu", "fri") for half in ("am", "pm")]
_LINES: Final = 40
_ANSWERS: Final = ("meeting_booked", "meeting_waiting")


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class Trial:
    """Says, asks and hears for one clause. Each trial has referrals of its own."""

    def __init__(self, clause: Clause, kit: Kit) -> None:
        self.clause = clause
        self.kit = kit
        self.rng = random.Random(f"{kit.settings.seed}/{clause.name}")
        self.new_id = Ids(self.rng)
        self.locality = kit.settings.locality
        self.sent: list[str] = []
        self.came: list[str] = []
        # The lines of the last look, which the next one replaces.
        self._asked: list[str] = []
        self._answered: list[str] = []
        # Each referral of the trial, with its locality.
        self.referrals: dict[str, str] = {}

    # Saying.

    def source(self, part: str) -> str:
        """The source of a part: the tried part's own, or ours."""
        settings = self.kit.settings
        name = settings.speaks_as.rpartition("/")[2] if part == settings.part else part
        return f"/{self.locality}/{name}"

    def event(
        self, by: str, kind: str, referral: str, /, *, at: datetime | None = None, **data: Any
    ) -> Event:
        """An event that is not said yet. `by` is a part, or a source with a stroke in front."""
        moment = at or now()
        outcome = {"kind": kind} if event_of(kind) == "outcome-recorded" else {}
        body = {"referral_id": referral, "locality": self.locality, **outcome, **data}
        source = by if by.startswith("/") else self.source(by)
        return Event(self.new_id(), source, event_of(kind), body, moment, moment)

    async def say(self, *events: Event) -> None:
        """Says events, in this order. Raises ValueError for one that its schema refuses."""
        for event in events:
            if event.kind not in TO_COME and (wrong := differences(event.event, event.data)):
                raise ValueError(f"the kit's own {event.kind} differs from its schema at {wrong[0]}")
        await self.say_any(*events)

    async def say_any(self, *events: Event) -> None:
        """Says events, in this order, also such as a later contract may bring."""
        for event in events:
            self._note(event)
        await self.kit.bus.say(*events)

    async def tell(self, by: str, kind: str, referral: str, /, **data: Any) -> Event:
        """Makes and says one event."""
        event = self.event(by, kind, referral, **data)
        await self.say(event)
        return event

    def creation(self, referral: str = "", *, at: datetime | None = None, **traits: Any) -> Event:
        """A creation: of a referral of this id, or of a new one."""
        referral = referral or self.new_id()
        self.referrals.setdefault(referral, self.locality)
        if referral not in self.kit.world.people:
            self.kit.world.enter_person(referral)
        agreed = {"by": "person", "how": "in_person", "at": "2026-01-05T09:00:00Z"}
        body = {
            "practice": self.kit.settings.localities[self.locality],
            "person_ref": self.new_id(),
            "route": "practice",
            "age_band": "65-74",
            "needs": ["befriending"],
            "agreement": agreed,
            "risk": "none_known",
            "contact": "yes",
            "outward_code": "ST3",
            "language": "en",
            **traits,
        }
        return self.event("referral", "referral_created", referral, at=at, **body)

    async def refer(self, **traits: Any) -> str:
        """Refers a person. Gives the referral."""
        event = self.creation(**traits)
        await self.say(event)
        return event.referral

    def booking(self, by: str, referral: str, sequence: int = 0, *, days: int = 9, **data: Any) -> Event:
        """A booking by somebody else, on a weekday at a time that no diary of the kit offers."""
        starts = _weekday(now() + timedelta(days=days)).replace(hour=6, minute=5, second=0, microsecond=0)
        body = {
            "meeting_id": self.new_id(),
            "sequence": sequence,
            "link_worker": f"lw-{self.locality}-901",
            "practice": self.kit.settings.localities[self.locality],
            "starts_at": starts.isoformat().replace("+00:00", "Z"),
            "minutes": 30,
            "mode": "face_to_face",
            **data,
        }
        return self.event(by, "meeting_booked", referral, **body)

    # Asking.

    @property
    def api(self) -> str:
        """The base address of the part's operations. Raises NotTried if it has none."""
        if not self.kit.settings.api:
            raise NotTried("The part's operations have no address: give --api.")
        return self.kit.settings.api

    async def ask(
        self, method: str, path: str, scope: str, body: Any = None, *, key: str = "", **query: Any
    ) -> httpx.Response:
        """Asks an operation of the part, as another part does."""
        headers = {"authorization": f"Bearer {self.kit.token(scope=scope)}"}
        headers |= {"idempotency-key": key} if key else {}
        return await self.request(method, path, headers, body, **query)

    async def request(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Any = None,
        *,
        how: str = "",
        **query: Any,
    ) -> httpx.Response:
        """Asks the part with these headers. `how` tells the report what is special about them."""
        url = f"{self.api}{path}"
        self.sent.append(f"{method} {path} {json.dumps(body) if body is not None else how}".rstrip())
        try:
            answer = await self.kit.http.request(
                method, url, json=body, params=query or None, headers=headers
            )
        except httpx.HTTPError as error:
            raise Broken(f"an answer to {method} {url}", f"{type(error).__name__}: {error}") from None
        self.came.append(f"{answer.status_code} to {method} {path}: {answer.text[:600]}")
        return answer

    async def hand(self, do: str, **given: Any) -> dict[str, Any]:
        """Does at the part what a person does there, by its adapter."""
        adapter = self.kit.settings.hands
        if not adapter:
            raise NotTried(f"Nobody does {do!r} at the part: give --hands.")
        self.sent.append(f"hands: {do} {json.dumps(given)}")
        body = {"do": do, "locality": self.locality, **given}
        try:
            answer = await self.kit.http.post(adapter, json=body, timeout=self.kit.hands_timeout)
        except httpx.HTTPError as error:
            raise Broken(f"an answer of the adapter at {adapter}", f"{type(error).__name__}") from None
        if answer.status_code == httpx.codes.NOT_IMPLEMENTED:
            raise NotTried(f"The adapter does not know {do!r}.")
        self.came.append(f"hands, {answer.status_code}: {answer.text[:600]}")
        if not answer.is_success:
            raise Broken(f"the adapter does {do!r}", f"{answer.status_code} {answer.text[:300]}")
        return document(answer)

    async def look(self, do: str, **given: Any) -> dict[str, Any]:
        """Asks the adapter again and again: the report has the last time only."""
        with self.last_only():
            return await self.hand(do, **given)

    @contextmanager
    def last_only(self) -> Iterator[None]:
        """Keeps of what is asked within only the last time in the report."""
        sent, came = len(self.sent), len(self.came)
        try:
            yield
        finally:
            asked, answered = self.sent[sent:], self.came[came:]
            for lines, new, old in ((self.sent, asked, self._asked), (self.came, answered, self._answered)):
                del lines[len(lines) - len(new) :]
                if old and lines[-len(old) :] == old:
                    del lines[-len(old) :]
                lines.extend(new)
            self._asked, self._answered = asked, answered

    # Hearing.

    def said(self, referral: str, kind: str = "") -> list[Event]:
        """The facts of the part about a referral, each once."""
        word = self.kit.settings.speaks_as.rpartition("/")[2]
        found = self.kit.bus.said_by(f"/{self.referrals.get(referral, self.locality)}/{word}", referral)
        return [each for each in found if not kind or each.kind == kind]

    def state(self, referral: str) -> Referral:
        """The state of a referral, from everything that was said of it."""
        return state_of(self.kit.bus.heard[referral], self.kit.sources())

    async def until(
        self,
        expected: str,
        test: Callable[[], T | None],
        seconds: float | None = None,
        came: Callable[[], str] | None = None,
    ) -> T:
        """Waits until the test gives a value. Breaks the clause after the limit."""
        limit = (self.clause.limit if seconds is None else seconds) * self.kit.settings.patience
        end = asyncio.get_running_loop().time() + limit
        while True:
            found = test()
            if found is not None and found is not False:
                return found
            rest = end - asyncio.get_running_loop().time()
            if rest <= 0:
                raise Broken(
                    f"{expected} within {limit:.0f} s", came() if came else self.heard_lines() or NOTHING
                )
            await self.kit.bus.changes(min(rest, 0.5))

    async def first(self, referral: str, kind: str) -> Event:
        """The part's first fact of a kind about a referral."""
        return await self.until(f"{kind} of {referral}", lambda: next(iter(self.said(referral, kind)), None))

    async def answer(self, referral: str, seconds: float | None = None) -> Event:
        """The part's first answer to a referral: a meeting, or a reason for none."""
        return await self.until(
            f"a meeting or a reason for {referral}",
            lambda: next((each for each in self.said(referral) if each.kind in _ANSWERS), None),
            seconds,
        )

    async def booked(self, referral: str, seconds: float | None = None) -> Meeting:
        """The active meeting of a referral, which the part has to book."""
        return await self.until(f"a meeting of {referral}", lambda: self.state(referral).active, seconds)

    async def next_meeting(self, referral: str, *, after: Iterable[str]) -> Meeting:
        """The active meeting that is none of these."""
        before = set(after)

        def found() -> Meeting | None:
            active = self.state(referral).active
            return active if active is not None and active.id not in before else None

        return await self.until(f"another meeting of {referral}", found)

    async def rest(self) -> None:
        """Waits as long as a part that acts wrongly takes to show it."""
        await asyncio.sleep(self.kit.settings.settle)

    async def pause(self, seconds: float) -> None:
        """Waits as long as the contract says. A slow machine's patience leaves that time as it is."""
        await asyncio.sleep(seconds * min(1.0, self.kit.settings.patience))

    async def silent(self, referrals: Iterable[str], expected: str) -> None:
        """Checks that the part says no more of these referrals."""
        watched = list(referrals)
        before = {each: len(self.said(each)) for each in watched}
        await self.rest()
        for each in watched:
            more = self.said(each)[before[each] :]
            self.expect(not more, expected, "; ".join(event.line() for event in more))

    def expect(self, holds: bool, expected: object, came: object) -> None:
        """Breaks the clause unless it holds."""
        if not holds:
            raise Broken(str(expected), str(came))

    def expect_one(self, facts: Sequence[Event]) -> None:
        """Breaks the clause unless the part said a thing once. There is one fact at least."""
        expected = f"one {facts[0].kind} of {facts[0].referral}"
        lines = "; ".join(each.line() for each in facts)
        self.expect(len(facts) == 1, expected, f"{len(facts)} of them: {lines}")

    def heard_lines(self) -> str:
        """The facts that the part said in this trial, and its records that admission refused."""
        return "; ".join([*self._said_lines(), *self.refused_lines()])

    def refused_lines(self, code: str = "") -> list[str]:
        """The part's records that admission refused, by this code: of this trial, or of no referral."""
        return [
            each.line()
            for each in self.kit.bus.refused
            if code in ("", each.code) and (each.event is None or each.event.referral in self.referrals)
        ]

    def malformed(self) -> str:
        """The first fact of the part that differs from its schema, and where; empty if there is none."""
        facts = (event for each in self.referrals for event in self.said(each))
        wrong = ((event, differences(event.event, event.data)) for event in facts)
        return next((f"{', '.join(places)} in {event.line()}" for event, places in wrong if places), "")

    def evidence(self) -> list[str]:
        """Answers over HTTP, and what the part said of the trial's referrals."""
        return [*self.came[-_LINES:], *self._said_lines()[:_LINES], *self.refused_lines()[:_LINES]]

    def _said_lines(self) -> list[str]:
        return [event.line() for each in self.referrals for event in self.said(each)]

    async def clear(self) -> None:
        """Ends the trial's referrals, so that their times are free for the next."""
        if self.kit.settings.part != "booking":
            return
        still = [each for each in self.referrals if not self.state(each).ended]
        await self.kit.bus.say(*(self._withdrawal(each) for each in still))

    def _withdrawal(self, referral: str) -> Event:
        slug, moment = self.referrals[referral], now()
        body = {
            "referral_id": referral,
            "locality": slug,
            "kind": "referral_withdrawn",
            "by": "practice",
            "reason": "other",
        }
        return Event(self.new_id(), f"/{slug}/referral", "outcome-recorded", body, moment, moment)

    def _note(self, event: Event) -> None:
        if len(self.sent) < _LINES:
            self.sent.append(event.line())
        elif len(self.sent) == _LINES:
            self.sent.append("and more")


def _weekday(moment: datetime) -> datetime:
    return moment + timedelta(days=max(0, 7 - moment.weekday()) if moment.weekday() > 4 else 0)
