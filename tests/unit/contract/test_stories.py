"""The golden stories: each folds to the state that it names, and answers the duties that it shows."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from shared.contract.authority import TABLE
from shared.contract.events.envelope import Envelope
from shared.contract.events.models import EventBody, MeetingBooked
from shared.contract.history.fold import ALL_SECTIONS, fold_referral
from shared.contract.history.vectors.state import state_of
from shared.contract.stories import Play, Story, StoryEvent, StoryFault, load_all
from shared.contract.stories.states import SETTING, SOURCES, facts_of, ids, stale
from shared.contract.stories.story import FOLDER, load, offset

STORIES = load_all()
EACH = pytest.mark.parametrize("story", STORIES.values(), ids=lambda story: story.name)


def other_ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"00000000-0000-7000-9000-{next(numbers):012x}"


def test_stories_are_those_of_the_contract() -> None:
    wanted = {
        "first-visit",
        "provisional-yes",
        "missed-rebooked",
        "waiting-then-meeting",
        "withdrawn",
        "erased",
    }
    assert wanted <= STORIES.keys()
    assert {path.stem for path in FOLDER.glob("*.json")} == STORIES.keys()


@EACH
def test_story_folds_to_its_state(story: Story) -> None:
    play = Play(story, SETTING, ids())
    state = state_of(fold_referral(facts_of(play), SOURCES), ALL_SECTIONS)
    assert state == play.state()


@EACH
def test_story_in_any_place_folds_to_its_state(story: Story) -> None:
    setting = replace(
        SETTING, locality="leek", link_worker="lw-leek-7", start=SETTING.start + timedelta(days=130, hours=4)
    )
    play = Play(story, setting, other_ids())
    state = state_of(fold_referral(reversed(facts_of(play)), SOURCES), ALL_SECTIONS)
    assert state == play.state()


@EACH
def test_story_parts_say_what_is_theirs(story: Story) -> None:
    rules = {(rule.event, rule.kind, role) for rule in TABLE for role in rule.sources}
    for event in story.events:
        assert (event.event, event.kind, event.part) in rules
    assert [event.after for event in story.events] == sorted(event.after for event in story.events)
    labels = [event.label for event in story.events]
    assert len(set(labels)) == len(labels)


@EACH
def test_story_duties_are_answered_in_time(story: Story) -> None:
    numbers = json.loads((Path(__file__).parents[3] / "docs/contract/duties.json").read_text())
    assert story.duties
    for duty in story.duties:
        assert duty.number in numbers
        asked, answer = story.event(duty.to), story.event(duty.answered_by)
        assert (answer.part, answer.kind in duty.kinds) == (duty.part, True)
        assert timedelta(0) <= answer.after - asked.after <= duty.within


def test_story_files_are_current() -> None:
    assert stale() == []


def heard(play: Play, event: StoryEvent, **changes: object) -> Envelope:
    """An event of another part, as that part would say it: with ids and a time of its own."""
    said = Play(play.story, SETTING, other_ids()).say(event)
    assert isinstance(said.body, EventBody)
    body = said.body.model_copy(update={"referral_id": play.referral, **changes})
    return replace(said, body=body, raw=body.model_dump_json(exclude_none=True).encode())


def test_play_takes_over_the_ids_of_what_it_hears() -> None:
    story = STORIES["missed-rebooked"]
    play = Play(story, SETTING, ids())
    play.say(story.event("created"))
    booked = heard(play, story.event("booked"), meeting_id="0a000000-0000-7000-8000-000000000001")
    assert not play.hear(story.event("missed"), booked)
    assert play.hear(story.event("booked"), booked)
    missed = play.say(story.event("missed"))
    assert json.loads(missed.raw)["meeting_id"] == "0a000000-0000-7000-8000-000000000001"
    for label in ("rebooked", "attended"):
        play.say(story.event(label))
    assert play.state()["meetings"]["meetings"][0]["fact"] == {"source": booked.source, "id": booked.id}


def test_play_hears_no_other_referral_and_no_other_part() -> None:
    story = STORIES["first-visit"]
    play = Play(story, SETTING, ids())
    created = play.say(story.event("created"))
    booked = heard(play, story.event("booked"))
    assert isinstance(booked.body, MeetingBooked)
    elsewhere = booked.body.model_copy(update={"referral_id": "0a000000-0000-7000-8000-000000000001"})
    assert not play.hear(story.event("booked"), replace(booked, body=elsewhere))
    assert not play.hear(story.event("booked"), replace(booked, source="/meir/casework"))
    assert play.say(story.event("created")) == created


def test_play_with_a_partner_speaks_and_hears_in_its_name() -> None:
    story = STORIES["withdrawn"]
    play = Play(story, replace(SETTING, sources={"booking": "/meir/vast-hub"}), ids())
    play.say(story.event("created"))
    assert play.say(story.event("booked")).source == "/meir/vast-hub"
    theirs = replace(heard(play, story.event("cancelled")), source="/meir/vast-hub")
    assert play.hear(story.event("cancelled"), theirs)


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("9d1h", 781_200), ("-1d", -86_400), ("2m5s", 125), ("40s", 40)]
)
def test_offset_of_each_form_is_read(text: str, seconds: int) -> None:
    assert offset(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "-", "9", "1h9d", "1.5d", "d"])
def test_offset_of_no_form_is_refused(text: str) -> None:
    with pytest.raises(StoryFault, match="is no offset"):
        offset(text)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 2}, "format 2"),
        (
            {
                "events": [
                    {"label": "a", "part": "nobody", "event": "meeting-booked", "after": "0s", "data": {}}
                ]
            },
            "no part",
        ),
        (
            {"events": [{"label": "a", "part": "booking", "event": "booked", "after": "0s", "data": {}}]},
            "no event",
        ),
    ],
)
def test_story_of_another_form_is_refused(change: dict[str, object], says: str) -> None:
    content = json.loads((FOLDER / "withdrawn.json").read_text()) | change
    with pytest.raises(StoryFault, match=says):
        load(json.dumps(content))


def test_story_event_that_is_no_event_of_the_contract_is_named() -> None:
    story = STORIES["withdrawn"]
    wrong = replace(story.event("created"), data={"referral_id": "${referral}"})
    with pytest.raises(StoryFault, match="withdrawn, created"):
        Play(story, SETTING, ids()).say(wrong)
