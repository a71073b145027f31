"""A golden story as the kit plays it: the other parts' events are said, the tried part's are awaited."""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from conformance.events import Event, stamp
from conformance.trial import Trial, now

_PLACEHOLDER: Final = re.compile(r"\$\{([^{}]+)\}")
_OFFSET: Final = re.compile(r"(-?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def can_be_played(story: Mapping[str, Any], part: str) -> bool:
    """True if the part says something in it, and no time has to come free first (BOOK-6 tries that)."""
    theirs = [each for each in story["events"] if each["part"] == part]
    return bool(theirs) and all(each["data"].get("kind") != "meeting_waiting" for each in theirs)


Act = Callable[["Play", Mapping[str, Any]], Awaitable[None]]


class Play:
    """One performance of a story. Its days pass in seconds."""

    def __init__(self, story: Mapping[str, Any], trial: Trial, act: Act) -> None:
        """`act` does at the part what leads to an event of the part, if it does not act by duty."""
        self._story = story
        self._act = act
        self._trial = trial
        self._start = now()
        self._heard: set[str] = set()
        self.values = {
            "locality": trial.locality,
            "practice": trial.kit.settings.localities[trial.locality],
        }

    @property
    def referral(self) -> str:
        """The referral of this performance."""
        return self._value("referral")

    async def perform(self) -> None:
        """Says and awaits the events in their order."""
        trial = self._trial
        if trial.kit.settings.part != "referral":
            trial.referrals[self.referral] = trial.locality
            trial.kit.world.enter_person(self.referral)
        within = {each["answered_by"]: _seconds(each["within"]) for each in self._story["duties"]}
        # Facts with nothing of the part between them are said at once, so that no part decides in its midst.
        together: list[Event] = []
        for event in self._story["events"]:
            if event["part"] == trial.kit.settings.part:
                await trial.say(*together)
                together.clear()
                await self._act(self, event)
                await self._answer(event, within.get(event["label"], trial.clause.limit))
            else:
                together.append(self._said(event))
        await trial.say(*together)

    def _said(self, event: Mapping[str, Any]) -> Event:
        label, source = event["label"], f"/{self._trial.locality}/{event['part']}"
        self.values[f"{label}.source"] = source
        moment = now()
        return Event(
            self._value(f"{label}.id"), source, event["event"], self._filled(event["data"]), moment, moment
        )

    async def _answer(self, event: Mapping[str, Any], seconds: float) -> None:
        kind = event["data"].get("kind", event["event"].replace("-", "_"))

        def found() -> Event | None:
            said = self._trial.said(self.referral, kind)
            return next((each for each in said if each.id not in self._heard and self._is(event, each)), None)

        heard = await self._trial.until(f"{event['label']}: {kind}", found, seconds)
        self._heard.add(heard.id)
        self.values[f"{event['label']}.id"] = heard.id
        self.values[f"{event['label']}.source"] = heard.source
        for name, template in event["data"].items():
            if (
                isinstance(template, str)
                and (place := _PLACEHOLDER.fullmatch(template))
                and ":" not in place[1]
            ):
                self.values.setdefault(place[1], str(heard.data.get(name)))

    def _is(self, event: Mapping[str, Any], heard: Event) -> bool:
        """True if known ids of the story's event are those that were heard."""
        for name in ("meeting_id", "replaces"):
            place = _PLACEHOLDER.fullmatch(str(event["data"].get(name, "")))
            known = self.values.get(place[1]) if place else None
            if known is not None and heard.data.get(name) != known:
                return False
        return True

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
            moment: datetime = self._start + timedelta(seconds=_seconds(after))
            return stamp(moment) if kind == "moment" else moment.date().isoformat()
        if name not in self.values:
            self.values[name] = self._made(name)
        return self.values[name]

    def _made(self, name: str) -> str:
        """A value that nobody has named yet: a link worker, or a new id."""
        roster = self._trial.kit.world.rosters[self._trial.locality]
        if name == "link_worker":
            return roster.others_of("")[0]
        if name == "other_link_worker":
            return roster.others_of(self._value("link_worker"))[0]
        return self._trial.new_id()


def _seconds(offset: str) -> float:
    found = _OFFSET.fullmatch(offset)
    if found is None:
        raise ValueError(f"{offset!r} is no offset of a story")
    days, hours, minutes, seconds = (int(each or 0) for each in found.groups()[1:])
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
    return -length if found[1] else length
