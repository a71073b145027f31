"""A golden story in a sandbox: what is said, what is waited for, and what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from shared.contract.events.envelope import Envelope, event_of
from shared.contract.events.models import MeetingBooked, ReferralCreated
from shared.contract.events.outcomes import MeetingCancelled, ReferralWithdrawn
from shared.contract.events.vocabulary import By, CancelReason
from shared.contract.stories import load_all
from shared.delivery.performance import Line, NotSeen, cannot_perform, cast, perform
from shared.platform.localities import load_localities

STORIES = load_all()
SANDBOX = load_localities().by_slug["sandbox"]
START = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Now:
    """A clock that moves by itself, so that no wait is without end."""

    now: datetime = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def numbered() -> "count[int]":
    return count(1)


@dataclass
class Booking:
    """A stage on which admission copies, and booking answers with what its switches allow."""

    clock: Now
    copies: bool = True
    books: bool = True
    said: list[Envelope] = field(default_factory=list)
    waiting: list[Envelope] = field(default_factory=list)
    meeting: MeetingBooked | None = None

    async def say(self, event: Envelope) -> None:
        self.said.append(event)
        if not self.copies:
            return
        self.waiting.append(event)
        if self.books and isinstance(event.body, ReferralCreated):
            self._stranger()
            self.meeting = MeetingBooked(
                referral_id=event.body.referral_id,
                locality="sandbox",
                meeting_id="00000000-0000-4000-8000-00000000beef",
                sequence=0,
                link_worker="lw-sandbox-1",
                practice=event.body.practice,
                starts_at=START + timedelta(days=1),
                minutes=45,
            )
            self._answer(self.meeting)
        elif isinstance(event.body, ReferralWithdrawn) and self.meeting is not None:
            off = MeetingCancelled(
                referral_id=event.body.referral_id,
                locality="sandbox",
                meeting_id=self.meeting.meeting_id,
                by=By.PROGRAMME,
                why=CancelReason.REFERRAL_ENDED,
            )
            self._answer(off)

    async def heard(self) -> Sequence[Envelope]:
        found, self.waiting = self.waiting, []
        return found

    def _answer(self, body: MeetingBooked | MeetingCancelled) -> None:
        number = len(self.said) + 0x100
        identity, raw = (
            f"00000000-0000-7000-8000-{number:012x}",
            body.model_dump_json(exclude_none=True).encode(),
        )
        now = self.clock.now
        self.waiting.append(Envelope(identity, "/sandbox/booking", event_of(body), now, now, body, raw))

    def _stranger(self) -> None:
        """Somebody else's referral, which is no part of the story."""
        (event,) = self.said
        body = event.body.model_copy(update={"referral_id": "00000000-0000-4000-8000-00000000dead"})  # type: ignore[union-attr]
        self.waiting.append(Envelope(event.id, event.source, event.event, START, START, body, event.raw))


async def performed(stage: Booking, story: str = "withdrawn") -> list[Line]:
    numbers = numbered()
    play = cast(
        STORIES[story],
        SANDBOX,
        "trigger",
        stage.clock,
        lambda: f"00000000-0000-7000-8000-{next(numbers):012x}",
    )
    return [line async for line in perform(play, stage, stage.clock)]


async def test_performance_says_waits_and_hears_in_order() -> None:
    stage = Booking(Now())
    lines = await performed(stage)
    assert [(line.what, line.kind) for line in lines] == [
        ("said", "referral_created"),
        ("seen", "referral_created"),
        ("heard", "meeting_booked"),
        ("said", "referral_withdrawn"),
        ("seen", "referral_withdrawn"),
        ("heard", "meeting_cancelled"),
    ]
    assert {event.source for event in stage.said} == {"/sandbox/trigger"}
    assert all(event.recorded == event.time <= stage.clock.now for event in stage.said)
    assert {event.body.practice for event in stage.said if isinstance(event.body, ReferralCreated)} == {
        "Z00001"
    }


@pytest.mark.parametrize(
    ("switches", "missing"),
    [
        ({"copies": False}, r"created \(referral_created\) of referral was not seen within 15 s"),
        ({"books": False}, r"booked \(meeting_booked\) of booking was not seen within 60 s"),
    ],
)
async def test_performance_ends_where_something_is_missing(switches: dict[str, bool], missing: str) -> None:
    stage = Booking(Now(), copies=switches.get("copies", True), books=switches.get("books", True))
    with pytest.raises(NotSeen, match=missing):
        await performed(stage)
    assert len(stage.said) == 1


def test_stories_that_need_a_person_of_booking_are_not_performed() -> None:
    possible = {name for name, story in STORIES.items() if cannot_perform(story) is None}
    assert possible >= {"withdrawn", "first-visit", "missed-rebooked", "erased"}
    assert "link-worker-changed" not in possible
    assert "provisional-yes" not in possible
