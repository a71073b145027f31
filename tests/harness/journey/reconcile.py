"""Checks of the events on the bus from outside: nothing lost, nothing doubled."""

from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import timedelta
from itertools import pairwise

from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody, ReferralCreated
from shared.contract.history import ReferralHistory, fold_referral, stage_of
from shared.delivery.model.facts import ReceivedEvent
from shared.platform.localities import Localities
from tests.harness.journey.topics import Log


def stories(log: Log, localities: Localities) -> dict[str, ReferralHistory]:
    """Every referral's history, folded from the bus alone."""
    facts: dict[str, list[Fact]] = defaultdict(list)
    for event in log.said():
        facts[event.body.referral_id].append(ReceivedEvent.of(event).fact)
    return {referral: fold_referral(told, localities) for referral, told in facts.items()}


def one_creation_each(log: Log, accepted: Collection[str]) -> None:
    """Checks that the referral service published what it accepted, each referral once."""
    created = Counter(
        event.body.referral_id
        for event in log.said()
        if isinstance(event.body, ReferralCreated) and event.source.endswith("/referral")
    )
    assert created == Counter(accepted)


def one_meeting_each(found: dict[str, ReferralHistory]) -> None:
    """Checks that an open referral has one meeting, was met, or has a reason, and an ended one has none."""
    for referral, story in found.items():
        if story.created is None:
            continue
        booked = [meeting for meeting in story.meetings if meeting.status == "booked"]
        if not story.open:
            assert not booked, referral
        elif not story.attended:
            assert len(booked) == 1 or (not booked and story.waiting is not None), referral


def no_time_twice(found: dict[str, ReferralHistory]) -> None:
    """Checks that no link worker meets two people at once."""
    diaries = defaultdict(list)
    for story in found.values():
        for meeting in story.meetings:
            if meeting.status not in ("cancelled", "replaced"):
                diaries[meeting.booked.link_worker].append(meeting.booked)
    for link_worker, meetings in diaries.items():
        meetings.sort(key=lambda meeting: meeting.starts_at)
        for one, following in pairwise(meetings):
            ends_at = one.starts_at + timedelta(minutes=one.minutes)
            assert ends_at <= following.starts_at, (link_worker, one.starts_at)


def same_id_same_words(log: Log) -> None:
    """Checks that repeated events have the same body."""
    words: dict[tuple[str, str], EventBody | object] = {}
    for event in log.events:
        assert words.setdefault((event.source, event.id), event.body) == event.body


def stages(found: dict[str, ReferralHistory]) -> dict[str, str]:
    return {referral: stage_of(story).value for referral, story in found.items() if story.created}
