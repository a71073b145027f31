"""The outside count of messages equals that of the fold of notifications, for random histories."""

import random
from datetime import datetime, timedelta
from typing import Any

from chaos.account import Account, accounts
from chaos.calls import called_for
from chaos.counting import RANKS
from chaos.log import Entry, Event, read
from chaos.says import Saying, saying
from services.matching.referral_state.state import fold as fold_of_matching
from services.notifications.messages.state import fold
from shared.contract.events.envelope import Envelope
from shared.contract.events.envelope import read as read_by_the_contract
from shared.contract.events.fact import Fact
from shared.delivery.model.facts import ReceivedEvent
from tests.harness.chaos.small import LOCALITY, NOW, identity
from tests.harness.history.sources import RankedBy

REFERRAL = identity(1)
AGREED = {"by": "person", "how": "phone", "at": NOW.isoformat()}
CREATED = {
    "practice": "M83100",
    "person_ref": identity(2),
    "route": "practice",
    "age_band": "25-34",
    "needs": ["debt"],
    "agreement": AGREED,
    "risk": "none_known",
    "contact": "yes",
}


class Teller:
    """Tells a story about one referral, at random from a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.said: list[Saying] = []
        self.meetings: list[str] = []
        self.now = NOW

    def tell(self) -> list[Saying]:
        self._say("referral-created", "referral", CREATED)
        for _ in range(self.chance.randint(1, 9)):
            self.now += timedelta(minutes=self.chance.randint(0, 3))
            self._something()
        self.chance.shuffle(self.said)
        return self.said

    def _say(self, event: Any, source: str, body: dict[str, Any]) -> None:
        number = identity(1000 + len(self.said))
        whole = {"referral_id": REFERRAL, **body}
        self.said.append(saying(LOCALITY, event, number, self.now, whole, source))

    def _outcome(self, kind: str, **more: Any) -> None:
        source = self.chance.choice(("matching", "history"))
        self._say("outcome-recorded", source, {"kind": kind, **more})

    def _something(self) -> None:
        what = self.chance.choice(("book", "book", "off", "off", "missed", "wait", "end", "take back"))
        if what == "book":
            self._book()
        elif what == "wait":
            reason = self.chance.choice(("no_slot", "no_link_worker", "asked_later"))
            self._outcome("meeting_waiting", reason=reason, expected_by="2026-12-07")
        elif what == "end":
            self._outcome("referral_closed", reason="other")
        elif what == "take back":
            about = dict(self.chance.choice(self.said).headers)
            source, identity_of = ((about[name] or b"").decode() for name in ("ce_source", "ce_id"))
            self._outcome("retracted", event_source=source, event_id=identity_of, reason="undone")
        elif self.meetings and what == "off":
            self._outcome(
                "meeting_cancelled", meeting_id=self.chance.choice(self.meetings), by="person", why="unwell"
            )
        elif self.meetings:
            kind = self.chance.choice(("meeting_missed", "meeting_attended"))
            self._outcome(kind, meeting_id=self.chance.choice(self.meetings))

    def _book(self) -> None:
        body = {
            "meeting_id": identity(100 + len(self.meetings)),
            "sequence": self.chance.randint(0, 3),
            "link_worker": f"lw-meir-{self.chance.randint(1, 2)}",
            "practice": "M83100",
            "starts_at": (NOW + timedelta(days=self.chance.randint(1, 9))).isoformat(),
            "minutes": 30,
        }
        if self.meetings and self.chance.random() < 0.5:
            body["replaces"] = self.chance.choice(self.meetings)
        self._say("meeting-booked", self.chance.choice(("matching", "history")), body)
        self.meetings.append(str(body["meeting_id"]))


def account_of(said: list[Saying]) -> Account:
    entries = [
        Entry(s.topic, 0, place, 100.0 + place, s.key, s.value, tuple(s.headers))
        for place, s in enumerate(said)
    ]
    events: list[Event] = [event for entry in entries if (event := read(entry))]
    return accounts(events)[REFERRAL]


def facts_of(said: list[Saying]) -> list[Fact]:
    envelopes = [read_by_the_contract(s.topic, s.key, s.value, s.headers) for s in said]
    return [ReceivedEvent.of(each).fact for each in envelopes if isinstance(each, Envelope)]


SOURCES = RankedBy(lambda source: RANKS[source.rpartition("/")[2]])


STORIES = range(400)


def test_both_call_for_the_same_messages() -> None:
    for seed in STORIES:
        said = Teller(seed).tell()
        facts = facts_of(said)
        assert len(facts) == len(said), "all of it is told by the contract"
        theirs = {
            str(message.name): message.news_at
            for message in fold(facts, SOURCES).messages
            if message.name.template not in ("reminder", "asked") and message.follows is None
        }
        calls = called_for(account_of(said), True)
        ours = {call.name: datetime.fromisoformat(call.news.recorded) for call in calls}
        assert ours == theirs, seed


def test_both_see_the_same_meetings() -> None:
    for seed in STORIES:
        said = Teller(seed).tell()
        account, view = account_of(said), fold_of_matching(facts_of(said), SOURCES)
        theirs = [(m.booked.meeting_id, m.status) for m in view.story.meetings]
        assert [(m.id, m.status) for m in account.meetings] == theirs, seed
        assert account.open == view.open, seed
        assert account.attended == bool(view.story.attended), seed
