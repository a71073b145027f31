"""Performs a golden story in a sandbox: says what nobody else says, and waits for what booking owes.

Days of the story pass in seconds: an event happens when it is said. A refusal or a missing answer ends the
performance, since what follows rests on it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, Literal, Protocol

from shared.contract.events.envelope import Envelope
from shared.contract.events.fact import kind_of
from shared.contract.events.topics import SOURCE_PARTS, SourcePart, source
from shared.contract.stories import Play, Setting, Story, StoryEvent
from shared.platform.clock import Clock
from shared.platform.ids import NewId
from shared.platform.localities import OURS, Locality

# Booking answers by itself. What people of the other parts would do is played.
ANSWERS: Final[SourcePart] = "booking"
# Admission copies a record within a second.
COPIED_WITHIN: Final = timedelta(seconds=15)
_REST_SECONDS: Final = 0.2
What = Literal["said", "seen", "heard"]
_PEOPLE: Final = ("${link_worker}", "${other_link_worker}")


class NotSeen(Exception):
    """An event that must be seen was not seen in time, or was refused. The text says which."""


class Stage(Protocol):
    """The place where a story is performed."""

    async def say(self, event: Envelope) -> None:
        """Says an event as a partner does: in the inbox of its source."""

    async def heard(self) -> Sequence[Envelope]:
        """The events of the locality since the last call. Raises NotSeen for a refusal of ours."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a performance.

    Attributes:
        what: we said it, we saw it in the locality's topic, or we heard it as the answer of another part.
        seconds: since the performance began.
    """

    what: What
    label: str
    kind: str
    source: str
    id: str
    referral: str
    seconds: float


def cannot_perform(story: Story) -> str | None:
    """The reason why one source beside booking cannot perform a story; None if it can."""
    answers = {duty.answered_by for duty in story.duties}
    for event in story.events:
        if event.part == ANSWERS and event.label not in answers:
            return f"{ANSWERS} does not say {event.label!r} as an answer to another event of the story"
        if event.part != ANSWERS and any(name in _texts(event.data) for name in _PEOPLE):
            return f"{event.label!r} names a link worker of the locality"
    return None


def cast(story: Story, locality: Locality, name: str, clock: Clock, new_id: NewId) -> Play:
    """A play of this story in which the locality's source of this name says what booking does not."""
    ours, owner = f"/{locality.slug}/{name}", locality.owner(ANSWERS)
    sources: dict[SourcePart, str] = dict.fromkeys(SOURCE_PARTS, ours)
    sources[ANSWERS] = source(locality.slug, ANSWERS) if owner == OURS else f"/{locality.slug}/{owner}"
    setting = Setting(locality.slug, locality.practices[0].ods, "nobody", "nobody", clock(), sources)
    return Play(story, setting, new_id)


async def perform(play: Play, stage: Stage, clock: Clock) -> AsyncGenerator[Line, None]:
    """Performs the play, and gives a line for each event as it is said, seen and heard.

    Raises:
        NotSeen: what must be seen was not seen; nothing more is said.
    """
    ears = _Ears(play, stage, clock)
    within: Mapping[str, timedelta] = {duty.answered_by: duty.within for duty in play.story.duties}
    for event in play.story.events:
        if event.part == ANSWERS:
            yield ears.line("heard", event, await ears.answer(event, within[event.label]))
            continue
        said = _now(play.say(event), clock)
        await stage.say(said)
        yield ears.line("said", event, said)
        yield ears.line("seen", event, await ears.copy(event, said))


class _Ears:
    """What was heard of the play's referral and is not part of the story yet."""

    def __init__(self, play: Play, stage: Stage, clock: Clock) -> None:
        self._play = play
        self._stage = stage
        self._clock = clock
        self._began = clock()
        self._waiting: list[Envelope] = []

    async def copy(self, event: StoryEvent, said: Envelope) -> Envelope:
        """The copy of an event that we said, in the locality's topic."""
        return await self._until(event, lambda heard: heard.id == said.id, COPIED_WITHIN)

    async def answer(self, event: StoryEvent, within: timedelta) -> Envelope:
        """The answer of another part, whose ids the rest of the story names."""
        return await self._until(event, lambda heard: self._play.hear(event, heard), within)

    def line(self, what: What, event: StoryEvent, found: Envelope) -> Line:
        """The line of an event."""
        seconds = round((self._clock() - self._began).total_seconds(), 1)
        kind, referral = kind_of(found.event, found.body), self._play.referral
        return Line(what, event.label, kind, found.source, found.id, referral, seconds)

    async def _until(
        self, event: StoryEvent, is_it: Callable[[Envelope], bool], within: timedelta
    ) -> Envelope:
        end = self._clock() + within
        while True:
            self._waiting += [
                each for each in await self._stage.heard() if each.body.referral_id == self._play.referral
            ]
            for each in self._waiting:
                if is_it(each):
                    self._waiting.remove(each)
                    return each
            if self._clock() > end:
                raise NotSeen(self._missing(event, within))
            await asyncio.sleep(_REST_SECONDS)

    def _missing(self, event: StoryEvent, within: timedelta) -> str:
        seconds = f"{within.total_seconds():.0f} s"
        others = ", ".join(sorted({kind_of(each.event, each.body) for each in self._waiting}))
        instead = f" Seen instead: {others}." if others else ""
        return f"{event.label} ({event.kind}) of {event.part} was not seen within {seconds}.{instead}"


def _now(event: Envelope, clock: Clock) -> Envelope:
    now = clock()
    return replace(event, time=now, recorded=now)


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []
