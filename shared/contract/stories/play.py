"""A play: a story with ids, times and sources of its own. It says events, and recognises those of others."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.contract.events import topics
from shared.contract.events.envelope import Envelope, Refused, UnknownOutcome, read_body, stamp
from shared.contract.events.fact import kind_of
from shared.contract.stories.story import Story, StoryEvent, StoryFault, offset
from shared.platform.clock import london_day
from shared.platform.ids import NewId

_PLACEHOLDER: Final = re.compile(r"\$\{([^{}]+)\}")
_TIMES: Final[Mapping[str, Callable[[datetime], str]]] = {
    "moment": stamp,
    "day": lambda moment: london_day(moment).isoformat(),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """The place and time of a play.

    Attributes:
        start: aware; between 6:00 and 18:00 in London, so that all of a story's days are its days.
        sources: the source of a part that is not the programme's own, such as a partner's.
    """

    locality: str
    practice: str
    link_worker: str
    other_link_worker: str
    start: datetime
    sources: Mapping[topics.SourcePart, str]

    def source(self, part: topics.SourcePart) -> str:
        """The source in whose name a part speaks."""
        return self.sources.get(part) or topics.source(self.locality, part)


class Play:
    """One play of a story. Ids are made as the story needs them, in the order of its events."""

    def __init__(self, story: Story, setting: Setting, new_id: NewId) -> None:
        self.story = story
        self._setting = setting
        self._new_id = new_id
        self._values = {
            "locality": setting.locality,
            "practice": setting.practice,
            "link_worker": setting.link_worker,
            "other_link_worker": setting.other_link_worker,
        }

    @property
    def referral(self) -> str:
        """The id of the referral."""
        return self._value("referral")

    def say(self, event: StoryEvent) -> Envelope:
        """The event as this play says it. Saying it again gives the same event.

        Raises StoryFault if its body is not one of the contract.
        """
        data = self._filled(event.data)
        raw = json.dumps(data, separators=(",", ":")).encode()
        body = read_body(event.event, raw)
        if isinstance(body, Refused | UnknownOutcome):
            raise StoryFault(f"{self.story.name}, {event.label}: its body is not one of the contract")
        time = self._setting.start + event.after
        source = self._values.setdefault(f"{event.label}.source", self._setting.source(event.part))
        return Envelope(self._value(f"{event.label}.id"), source, event.event, time, time, body, raw)

    def hear(self, event: StoryEvent, heard: Envelope) -> bool:
        """True if another part said this event of the story. Its ids then stand for those of the story."""
        if heard.body.referral_id != self.referral or kind_of(heard.event, heard.body) != event.kind:
            return False
        if event.part not in topics.our_parts(heard.source) | self._parts_of(heard.source):
            return False
        self._bind(event.data, json.loads(heard.raw))
        self._values.setdefault(f"{event.label}.id", heard.id)
        self._values.setdefault(f"{event.label}.source", heard.source)
        return True

    def state(self) -> dict[str, Any]:
        """The sections of the state that must be seen at the end, with the ids of this play."""
        filled: dict[str, Any] = self._filled(self.story.state)
        return filled

    def names(self) -> Mapping[str, str]:
        """The values that placeholders have so far, by name."""
        return dict(self._values)

    def _parts_of(self, source: str) -> frozenset[topics.SourcePart]:
        return frozenset(part for part, theirs in self._setting.sources.items() if theirs == source)

    def _filled(self, template: Any) -> Any:
        if isinstance(template, str):
            return _PLACEHOLDER.sub(lambda found: self._value(found[1]), template)
        if isinstance(template, list):
            return [self._filled(each) for each in template]
        if isinstance(template, Mapping):
            return {name: self._filled(each) for name, each in template.items()}
        return template

    def _value(self, name: str) -> str:
        kind, _, after = name.partition(":")
        if after:
            if kind not in _TIMES:
                raise StoryFault(f"{self.story.name}: {kind} is no time: write moment or day")
            return _TIMES[kind](self._setting.start + offset(after))
        if name not in self._values:
            if name.endswith(".source"):
                raise StoryFault(f"{self.story.name}: {name} is asked for before the event")
            self._values[name] = self._new_id()
        return self._values[name]

    def _bind(self, template: Any, heard: Any) -> None:
        if isinstance(template, str) and isinstance(heard, str):
            found = _PLACEHOLDER.fullmatch(template)
            if found is not None and ":" not in found[1]:
                self._values.setdefault(found[1], heard)
        elif isinstance(template, list) and isinstance(heard, list):
            for each, value in zip(template, heard, strict=False):
                self._bind(each, value)
        elif isinstance(template, Mapping) and isinstance(heard, Mapping):
            for name, each in template.items():
                self._bind(each, heard.get(name))
