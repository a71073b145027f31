"""A small booking part: right as a whole, wrong by the switches it is given."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.routing import Route

from conformance.events import Event
from conformance.meetings import Referral
from tests.harness.conformance import decide
from tests.harness.conformance.small_api import Operations
from tests.harness.conformance.small_part import Key, SmallPart


class SmallBooking(SmallPart):
    """Booking."""

    part = "booking"

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._since: dict[tuple[str, int], datetime] = {}
        self._came: dict[str, datetime] = {}

    def routes(self) -> list[Route]:
        return Operations(self).routes()

    async def act(self, key: Key, *, again: bool = False) -> None:
        async with self._busy:
            slug, referral = key
            facts = list(self.stored.facts[key].values())
            if not self.decides(slug):
                return
            if self._must_wait(facts):
                self.later.add(key)
                return
            self.later.discard(key)
            if "looks at nothing" in self.faults and not again and self._before_owning(slug, facts):
                return
            state = Referral((), (), False) if again and facts else self.state(key)
            if again and not any(f.kind == "referral_created" for f in facts):
                return
            for kind, body in decide.decide(facts, state, self.setting(slug)):
                await self.say(slug, referral, kind, body)

    def _before_owning(self, slug: str, facts: list[Event]) -> bool:
        """True for a referral that was open before the part became ours the second time."""
        epoch = self.owned[slug]["epoch"]
        since = self._since.setdefault((slug, epoch), datetime.now(UTC))
        return epoch > 1 and all(f.recorded < since for f in facts)

    def _must_wait(self, facts: list[Event]) -> bool:
        if "waits for no log" in self.faults or not facts:
            return False
        latest = max(each.recorded for each in facts)
        first = self._came.setdefault(facts[0].referral, datetime.now(UTC))
        waits = timedelta(seconds=20 * self.patience)
        return latest < datetime.now(UTC) - decide.OLD and datetime.now(UTC) - first < waits

    def setting(self, slug: str) -> decide.Setting:
        """What decisions in a locality rest on."""
        taken: dict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
        for (there, referral), facts in self.stored.facts.items():
            state = self.state((there, referral)) if there == slug else None
            booked = state.active.booking if state and state.active and not state.ended else None
            if booked is None or not facts:
                continue
            if "ignores others' times" in self.faults and booked.source != f"/{slug}/{self.name}":
                continue
            start = datetime.fromisoformat(booked.data["starts_at"]).astimezone(UTC)
            end = start + timedelta(minutes=booked.data["minutes"])
            taken[booked.data["link_worker"]].append((start, end, referral))
        return decide.Setting(
            datetime.now(UTC), self.workers[slug], taken, self.faults, f"/{slug}/{self.name}", self.sources
        )
