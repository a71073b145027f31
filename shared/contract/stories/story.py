"""Stories as files: what each part says and when, what must be seen at the end, and which duties it shows.

README.md beside the files describes their form.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, cast, get_args

from shared.contract.events.topics import EVENTS, EventName, SourcePart

FORMAT: Final = 1
FOLDER: Final = Path(__file__).parent
_OFFSET: Final = re.compile(r"(-?)(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


class StoryFault(ValueError):
    """A story, or an event of one, is not as README.md says."""


@dataclass(frozen=True, slots=True)
class StoryEvent:
    """One event of a story.

    Attributes:
        label: its name within the story, by which other events refer to it.
        after: the time from the start of the story until it happens.
        data: the body, with placeholders.
    """

    label: str
    part: SourcePart
    event: EventName
    after: timedelta
    data: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """`referral_created`, `meeting_booked`, or the outcome's kind."""
        return str(self.data.get("kind", self.event.replace("-", "_")))


@dataclass(frozen=True, slots=True)
class Duty:
    """An answer that a part owes.

    Attributes:
        number: its number in docs/contract/duties.md, such as `BOOK-1`.
        to: the label of the event that is answered.
        answered_by: the label of the answer in this story.
        kinds: the kinds of fact that are an answer.
        within: the time in which the part answers.
    """

    number: str
    part: SourcePart
    to: str
    answered_by: str
    kinds: tuple[str, ...]
    within: timedelta


@dataclass(frozen=True, slots=True)
class Story:
    """A referral from its creation to the end of the story.

    Attributes:
        sentence: the story in one sentence.
        state: the sections of the fold's state at the end, with placeholders.
    """

    name: str
    sentence: str
    events: tuple[StoryEvent, ...]
    duties: tuple[Duty, ...]
    state: Mapping[str, Any]

    def event(self, label: str) -> StoryEvent:
        """The event of this label. Raises StoryFault if the story has none."""
        for each in self.events:
            if each.label == label:
                return each
        raise StoryFault(f"{self.name} has no event {label!r}")


def load_all(folder: Path = FOLDER) -> dict[str, Story]:
    """Every story, by name."""
    stories = [load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
    return {story.name: story for story in stories}


def load(text: str) -> Story:
    """A story. Raises StoryFault if it has another format."""
    content = json.loads(text)
    if content.get("format") != FORMAT:
        raise StoryFault(f"format {content.get('format')}: this version reads format {FORMAT}")
    return Story(
        content["name"],
        content["sentence"],
        tuple(map(_event, content["events"])),
        tuple(map(_duty, content["duties"])),
        content["state"],
    )


def _event(given: Mapping[str, Any]) -> StoryEvent:
    if given["event"] not in EVENTS:
        raise StoryFault(f"{given['label']}: {given['event']} is no event of the contract")
    return StoryEvent(
        given["label"], _part(given["part"]), given["event"], offset(given["after"]), given["data"]
    )


def _duty(given: Mapping[str, Any]) -> Duty:
    return Duty(
        given["duty"],
        _part(given["part"]),
        given["to"],
        given["answered_by"],
        tuple(given["kinds"]),
        offset(given["within"]),
    )


def _part(name: str) -> SourcePart:
    if name not in get_args(SourcePart):
        raise StoryFault(f"{name} is no part")
    return cast("SourcePart", name)


def offset(text: str) -> timedelta:
    """A time from the start of a story, such as `9d1h`, `40s` or `-1d`."""
    found = _OFFSET.fullmatch(text)
    if found is None:
        raise StoryFault(f"{text!r} is no offset: write days, hours, minutes, seconds, such as 9d1h")
    days, hours, minutes, seconds = (int(each or 0) for each in found.groups()[1:])
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if found[1] else length
