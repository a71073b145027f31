"""A casework part as small as one can be: it knows the published documents, and nothing of our code.

`say` publishes its facts, as (event, body): a test decides where. What it hears of the bus is told to it by
the methods below.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.harness.contract.parts import described, example_of
from tests.harness.parts.operations import Answer, Asked, ServedPart

Say = Callable[[str, dict[str, Any]], Awaitable[None]]


def link_worker(name: str, locality: str, practice: str, **changes: Any) -> dict[str, Any]:
    """A link worker with the example's hours each weekday from 9 to 12, at one practice."""
    (entry,) = example_of(described()["listLinkWorkers"].told["responses"]["200"])["link_workers"]
    hours = [
        {
            "weekday": day,
            "opens": "09:00",
            "closes": "12:00",
            "practices": [practice],
            "place": "Hall, room 1",
        }
        for day in range(5)
    ]
    mine = {"id": name, "locality": locality, "hours": hours, "leave": [], "caseload_limit": 100}
    return {**entry, **mine, **changes}


@dataclass
class StubCasework:
    """Casework of one locality.

    Attributes:
        link_workers: its entries, by id; a test changes them.
        cases: the link worker of each referral, from the first meeting on.
        agreed: services of plans for which it recorded the person's yes.
        plans: plans that practices may see, by referral.
    """

    locality: str
    say: Say
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    link_workers: dict[str, dict[str, Any]] = field(default_factory=dict)
    cases: dict[str, str] = field(default_factory=dict)
    agreed: set[str] = field(default_factory=set)
    plans: dict[str, dict[str, Any]] = field(default_factory=dict)

    def served(self) -> ServedPart:
        """Its operations."""
        answers: dict[str, Answer] = {
            "readLinkWorker": self._link_worker,
            "listLinkWorkers": self._list,
            "readCaseLinkWorkers": self._cases,
            "readPlans": self._plans,
            "readSharing": self._sharing,
        }
        return ServedPart("casework", answers)

    def employ(self, name: str, practice: str, **changes: Any) -> None:
        """Enters a link worker."""
        self.link_workers[name] = link_worker(name, self.locality, practice, **changes)

    def away(self, name: str, first: date, last: date) -> None:
        """Enters leave; booking's owner reads it within a minute."""
        entry = self.link_workers[name]
        leave = [*entry["leave"], {"first": first.isoformat(), "last": last.isoformat()}]
        self.link_workers[name] = {**entry, "leave": leave}

    async def met(self, referral: str, meeting: str, plan: dict[str, Any] | None = None) -> None:
        """Says that the person came, and agrees a plan with them."""
        await self._outcome(referral, "meeting_attended", meeting_id=meeting, next_step=self._step("review"))
        await self._outcome(
            referral, "plan_agreed", plan_id=str(uuid4()), revision=1, meeting_id=meeting, **(plan or {})
        )

    async def measured(self, referral: str, stage: str, scores: dict[str, int]) -> None:
        """Says the person's answers to ONS4, `before` or `after`."""
        on = self.now().date().isoformat()
        await self._outcome(referral, "measured", instrument="ons4", stage=stage, on=on, scores=scores)

    async def prescribe(self, referral: str, service: str, need: str, *, may_share: bool = False) -> str:
        """Adds a service to the plan, and returns the prescription's id. Its own store has a yes first."""
        prescription = str(uuid4())
        await self._outcome(
            referral, "service_prescribed", prescription_id=prescription, service_id=service, need=need
        )
        if may_share:
            self.agreed.add(prescription)
            about = {"agreement": "service", "agreed": "yes", "prescription_id": prescription}
            await self._outcome(referral, "sharing_changed", **about)
        return prescription

    async def close(self, referral: str, reason: str = "completed") -> None:
        """Closes the case."""
        await self._outcome(referral, "referral_closed", reason=reason)

    def _step(self, code: str) -> dict[str, str]:
        return {"code": code, "on": (self.now().date() + timedelta(days=7)).isoformat()}

    async def _outcome(self, referral: str, kind: str, **fields: Any) -> None:
        about = {"referral_id": referral, "locality": self.locality, "kind": kind}
        await self.say("outcome-recorded", about | fields)

    async def _link_worker(self, asked: Asked) -> Any:
        entry = self.link_workers[asked.given["link_worker"]]
        shown = {name: entry[name] for name in ("id", "locality", "name", "email", "telephone", "languages")}
        practices = sorted({code for hours in entry["hours"] for code in hours["practices"]})
        place = entry["hours"][0]["place"] if entry["hours"] else None
        return {**shown, "place": place, "practices": practices, "entry": entry}

    async def _list(self, _: Asked) -> Any:
        return {"link_workers": [self.link_workers[name] for name in sorted(self.link_workers)]}

    async def _cases(self, asked: Asked) -> Any:
        wanted = asked.body["referrals"]
        return {"link_workers": {name: self.cases[name] for name in wanted if name in self.cases}}

    async def _plans(self, asked: Asked) -> Any:
        wanted = asked.body["referrals"]
        return {"plans": {name: self.plans[name] for name in wanted if name in self.plans}}

    async def _sharing(self, asked: Asked) -> Any:
        return {"agreed": asked.body["prescription"] in self.agreed}
