"""The states of the stories as the reference fold gives them, and the files' text in one form."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

from shared.contract.events.envelope import moment
from shared.contract.events.fact import Fact
from shared.contract.events.topics import SOURCE_PARTS, source
from shared.contract.history.fold import ALL_SECTIONS, fold_referral
from shared.contract.history.sources import ListedSources
from shared.contract.history.vectors.state import state_of
from shared.contract.stories.play import Play, Setting
from shared.contract.stories.story import FOLDER, Story, load

START: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SETTING: Final = Setting("meir", "M83713", "lw-meir-1", "lw-meir-2", START, {})
# The weight of each part's source in a locality of the programme, as the vectors have it.
SOURCES: Final = ListedSources(
    {source(SETTING.locality, part): 30 if part == "referral" else 40 for part in SOURCE_PARTS}
)


def ids() -> Callable[[], str]:
    """Ids that ascend, always the same."""
    numbers = count(1)
    return lambda: f"00000000-0000-7000-8000-{next(numbers):012x}"


def facts_of(play: Play) -> list[Fact]:
    """Everything that is said in a play whose parts are all played."""
    said = [play.say(event) for event in play.story.events]
    return [Fact(each.source, each.id, each.event, each.time, each.recorded, each.body) for each in said]


def folded(story: Story) -> dict[str, Any]:
    """The state to which the reference fold brings a story, with placeholders for its ids and times."""
    play = Play(story, SETTING, ids())
    state = state_of(fold_referral(facts_of(play), SOURCES), ALL_SECTIONS)
    labels = {
        (values[f"{event.label}.source"], values[f"{event.label}.id"]): event.label
        for values in [play.names()]
        for event in story.events
    }
    names = {value: name for name, value in play.names().items() if "." not in name}
    placed: dict[str, Any] = _placed(state, labels, names)
    return placed


def _placed(value: Any, labels: Mapping[tuple[str, str], str], names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_placed(each, labels, names) for each in value]
    if isinstance(value, dict):
        if value.keys() == {"source", "id"}:
            label = labels[value["source"], value["id"]]
            return {"source": f"${{{label}.source}}", "id": f"${{{label}.id}}"}
        return {name: _placed(each, labels, names) for name, each in value.items()}
    if not isinstance(value, str):
        return value
    if value in names:
        return f"${{{names[value]}}}"
    return _time(value) or value


def _time(value: str) -> str | None:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        at = moment(value)
        return f"${{moment:{_offset(at - START)}}}" if at else None
    return f"${{day:{(day - START.date()).days}d}}"


def _offset(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    parts = [
        (seconds // 86400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "m"),
        (seconds % 60, "s"),
    ]
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"


def written(text: str) -> str:
    """The text of a story's file with the fold's state: an event, a duty and a section a line."""
    story, content = load(text), json.loads(text)
    state = ",\n".join(f"  {json.dumps(name)}: {json.dumps(part)}" for name, part in folded(story).items())
    return (
        "{\n"
        f' "format": {content["format"]},\n'
        f' "name": {json.dumps(story.name)},\n'
        f' "sentence": {json.dumps(story.sentence)},\n'
        f' "events": [\n{_lines(content["events"])}\n ],\n'
        f' "duties": [\n{_lines(content["duties"])}\n ],\n'
        f' "state": {{\n{state}\n }}\n'
        "}\n"
    )


def _lines(items: Sequence[Any]) -> str:
    return ",\n".join(f"  {json.dumps(item)}" for item in items)


def stale(folder: Path = FOLDER) -> list[str]:
    """The names of files whose text is not what the reference fold gives."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.json"))}
    return [name for name, text in texts.items() if written(text) != text]
