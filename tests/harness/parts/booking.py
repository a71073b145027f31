"""A booking part as small as one can be: it knows the published documents, and nothing of our code.

`say` publishes its facts, as (event, body): a test decides where. What it hears of the bus is told to it by
`refer` and `release`.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.harness.parts.operations import Answer, Asked, Refusal, ServedPart

Say = Callable[[str, dict[str, Any]], Awaitable[None]]
ROOM = "Longton Lodge, room 9"
MINUTES = 45


@dataclass
class Story:
    """One referral: its practice, its meetings in order, and the reason for having none."""

    referral: str
    practice: str
    meetings: list[dict[str, Any]] = field(default_factory=list)
    active: dict[str, Any] | None = None
    waiting: str | None = None
    expected_by: str | None = None


@dataclass
class StubBooking:
    """Booking of one locality.

    Attributes:
        link_worker: meets everybody, each weekday from 9:00, one after another.
        held: facts that it has decided and not said yet, while `holds` is set.
    """

    locality: str
    link_worker: str
    say: Say
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    holds: bool = False
    held: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    stories: dict[str, Story] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def served(self) -> ServedPart:
        """Its operations."""
        answers: dict[str, Answer] = {
            "listOtherTimes": self._other_times,
            "listTimes": self._times,
            "chooseAnotherTime": self._move,
            "confirmMeeting": self._confirm,
            "cancelMeeting": self._cancel,
            "deferMeeting": self._defer,
            "bookMeeting": self._book,
            "readPlace": self._place,
            "readCapacity": self._capacity,
        }
        return ServedPart("booking", answers)

    async def refer(self, referral: str, practice: str) -> dict[str, Any]:
        """Answers a new referral with a provisional meeting, and returns it."""
        story = self.stories.setdefault(referral, Story(referral, practice))
        return await self._booked(story, self._free()[0], provisional=True)

    async def release(self) -> None:
        """Says what it has held back."""
        self.holds, held = False, self.held
        self.held = []
        for event, body in held:
            await self.say(event, body)

    async def _said(self, event: str, body: dict[str, Any]) -> None:
        if self.holds:
            self.held.append((event, body))
        else:
            await self.say(event, body)

    def _of_meeting(self, asked: Asked) -> tuple[Story, dict[str, Any]]:
        for story in self.stories.values():
            for meeting in story.meetings:
                if meeting["meeting_id"] == asked.given["meeting_id"]:
                    return story, meeting
        raise Refusal(404, "unknown_case")

    def _standing(self, asked: Asked) -> tuple[Story, dict[str, Any]]:
        story, meeting = self._of_meeting(asked)
        if story.active is not meeting:
            raise Refusal(409, "meeting_not_standing")
        return story, meeting

    def _of_referral(self, asked: Asked) -> Story:
        story = self.stories.get(asked.given["referral_id"])
        if story is None:
            raise Refusal(404, "unknown_case")
        return story

    def _free(self, count: int = 3) -> list[str]:
        """The first free times, as keys: their moments in UTC."""
        found: list[str] = []
        day = self.now().date()
        while len(found) < count:
            day += timedelta(days=1)
            if day.weekday() < 5:
                found += [key for key in _times_of(day) if key not in self.taken]
        return found[:count]

    def _offered(self, practice: str, count: int) -> dict[str, Any]:
        return {
            "options": [
                {
                    "key": key,
                    "link_worker": self.link_worker,
                    "practice": practice,
                    "place": ROOM,
                    "starts_at": key,
                    "minutes": MINUTES,
                    "mode": "face_to_face",
                }
                for key in self._free(count)
            ]
        }

    async def _other_times(self, asked: Asked) -> Any:
        story, _ = self._standing(asked)
        return self._offered(story.practice, int(asked.given.get("count", 3)))

    async def _times(self, asked: Asked) -> Any:
        return self._offered(self._of_referral(asked).practice, int(asked.given.get("count", 3)))

    async def _move(self, asked: Asked) -> Any:
        story, meeting = self._standing(asked)
        await self._booked(story, self._chosen(asked), replaces=meeting)
        return _answer(story)

    async def _book(self, asked: Asked) -> Any:
        story = self._of_referral(asked)
        if story.active is not None:
            raise Refusal(409, "already_booked")
        await self._booked(story, self._chosen(asked))
        return _answer(story)

    def _chosen(self, asked: Asked) -> str:
        key: str = asked.body.get("slot") or self._free()[0]
        if key in self.taken:
            raise Refusal(409, "slot_taken")
        return key

    async def _confirm(self, asked: Asked) -> Any:
        story, meeting = self._standing(asked)
        meeting["provisional"] = False
        await self._said("meeting-booked", dict(meeting))
        return _answer(story)

    async def _cancel(self, asked: Asked) -> Any:
        story, meeting = self._standing(asked)
        await self._cancelled(story, asked.body["by"], asked.body["why"])
        await self._booked(story, self._free()[0], replaces=meeting, provisional=True)
        return _answer(story)

    async def _defer(self, asked: Asked) -> Any:
        story = self._of_referral(asked)
        if story.active is not None:
            await self._cancelled(story, "person", "another_time")
        story.waiting, story.expected_by = "asked_later", asked.body["on"]
        await self._outcome(story, "meeting_waiting", reason=story.waiting, expected_by=story.expected_by)
        return _answer(story)

    async def _place(self, asked: Asked) -> Any:
        _, meeting = self._of_meeting(asked)
        return {
            "meeting_id": meeting["meeting_id"],
            "practice": meeting["practice"],
            "place": ROOM,
            "mode": meeting["mode"],
        }

    async def _capacity(self, asked: Asked) -> Any:
        monday = self.now().date() - timedelta(days=self.now().date().weekday())
        weeks = [monday + timedelta(weeks=n) for n in range(int(asked.given.get("weeks", 4)))]
        practices = sorted({story.practice for story in self.stories.values()})
        return {
            "locality": self.locality,
            "weeks": [{"week": week.isoformat(), "times": 40, "free": 31} for week in weeks],
            "practices": [{"practice": code, "first_free": self._free()[0][:10]} for code in practices],
        }

    async def _booked(
        self,
        story: Story,
        key: str,
        replaces: dict[str, Any] | None = None,
        *,
        provisional: bool = False,
    ) -> dict[str, Any]:
        meeting: dict[str, Any] = {
            "referral_id": story.referral,
            "locality": self.locality,
            "meeting_id": str(uuid4()),
            "sequence": len(story.meetings),
            "link_worker": self.link_worker,
            "practice": story.practice,
            "starts_at": key,
            "minutes": MINUTES,
            "mode": "face_to_face",
            "provisional": provisional,
        }
        if replaces is not None:
            meeting["replaces"] = replaces["meeting_id"]
        self.taken.add(key)
        story.meetings.append(meeting)
        story.active, story.waiting, story.expected_by = meeting, None, None
        await self._said("meeting-booked", dict(meeting))
        return meeting

    async def _cancelled(self, story: Story, by: str, why: str) -> None:
        assert story.active is not None
        about = story.active["meeting_id"]
        story.active = None
        await self._outcome(story, "meeting_cancelled", meeting_id=about, by=by, why=why)

    async def _outcome(self, story: Story, kind: str, **fields: Any) -> None:
        about = {"referral_id": story.referral, "locality": self.locality, "kind": kind}
        await self._said("outcome-recorded", about | fields)


def _times_of(day: date) -> list[str]:
    return [f"{day.isoformat()}T{hour:02d}:00:00Z" for hour in (9, 10, 11, 14, 15)]


def _answer(story: Story) -> dict[str, Any]:
    active = story.active
    return {
        "referral_id": story.referral,
        "meeting": None
        if active is None
        else {
            "meeting_id": active["meeting_id"],
            "link_worker": active["link_worker"],
            "practice": active["practice"],
            "place": ROOM,
            "starts_at": active["starts_at"],
            "minutes": active["minutes"],
            "mode": active["mode"],
            "provisional": active["provisional"],
            "sequence": active["sequence"],
        },
        "waiting": story.waiting,
        "expected_by": story.expected_by,
    }
