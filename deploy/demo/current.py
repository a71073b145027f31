"""Forty referrals of today, as practices would type them in."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from deploy.demo.chance import chance
from deploy.demo.people import Person, person
from shared.platform.localities import Localities, Practice
from shared.platform.localities.postcodes import Place, places

REFERRALS = 40


@dataclass(frozen=True, slots=True)
class CurrentReferral:
    """A referral of today. A second attempt with the same `key` makes no second referral.

    `body` is the body of `POST /referrals`.
    """

    key: str
    practice: str
    body: dict[str, Any]


STORIES_FILE = Path(__file__).with_name("stories.toml")


def current_referrals(today: date, localities: Localities) -> list[CurrentReferral]:
    """Forty referrals, the same for the same day, spread over all localities and their practices."""
    homes = list(places())
    stories: list[dict[str, Any]] = tomllib.loads(STORIES_FILE.read_text("utf-8"))["story"]
    practices = islice(_in_turn(localities), REFERRALS)
    return [_referral(number, practice, homes, today, stories) for number, practice in enumerate(practices)]


def referral_of(number: int, practice: Practice, today: date) -> CurrentReferral:
    """One referral of a practice, under a number of its own; the same for the same day."""
    stories: list[dict[str, Any]] = tomllib.loads(STORIES_FILE.read_text("utf-8"))["story"]
    return _referral(number, practice, list(places()), today, stories)


def _in_turn(localities: Localities) -> Iterator[Practice]:
    """Practices without end, one of each locality in turn, without the sandbox."""
    turns = [cycle(locality.practices) for locality in localities.real]
    while True:
        for turn in turns:
            yield next(turn)


def _referral(
    number: int, practice: Practice, homes: list[Place], today: date, stories: list[dict[str, Any]]
) -> CurrentReferral:
    rng = chance("current", number)
    story = dict(stories[number % len(stories)])
    # The second time, the story is of a different person: of another age, with fewer details.
    second = number >= len(stories)
    age = story.pop("age") + (rng.randint(-9, 9) if second else 0)
    if second:
        del story["reason"]
    sector = practice.postcode[:-2]
    home = rng.choice([place for place in homes if place.postcode.startswith(sector)] or homes)
    who = person(number, rng, home, max(19, age), today)
    body = {
        "practice": practice.ods,
        "given_name": who.given_name,
        "family_name": who.family_name,
        "date_of_birth": who.date_of_birth.isoformat(),
        **_reached(who, rng.random()),
        "risk": "none_known",
        "agreed": True,
        "agreed_by": "person",
        "agreed_how": "in_person",
        **story,
    }
    if not story.get("no_fixed_address"):
        body |= {"house": who.house, "postcode": who.postcode}
    if rng.random() < 0.9:
        body["nhs_number"] = who.nhs_number
    return CurrentReferral(f"linkwork-demo-{today.isoformat()}-{number}", practice.ods, body)


def _reached(who: Person, share: float) -> dict[str, str]:
    if share < 0.65:
        return {"telephone": who.mobile, "safe_to_text": "yes"}
    if share < 0.9:
        return {"telephone": who.landline, "safe_to_text": "ring"}
    return {"telephone": who.mobile, "safe_to_text": "not_known"}
