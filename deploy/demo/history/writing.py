"""Writes the history: the same for the same moment of loading, on every machine and in every run."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from functools import cache

from deploy.demo.chance import chance, pick
from deploy.demo.history import rates
from deploy.demo.history.case import Case
from deploy.demo.history.days import london_day, office_hours
from deploy.demo.history.diary import PastDiary
from deploy.demo.history.ending import closed, put_right
from deploy.demo.history.journal import Journal
from deploy.demo.history.meeting import ended_early, met, referred
from deploy.demo.history.plan import agreed, first_answers
from deploy.demo.history.prescription import prescribed
from deploy.demo.link_workers import link_workers
from deploy.demo.services import directory_documents
from services.matching.directory.feed import Service, read_directory
from shared.contract.events.envelope import Envelope
from shared.platform.localities import Localities
from shared.platform.localities.postcodes import Place, places

# The last referrals of the history are this old, so that each person in it has been met or has left.
QUIET_DAYS = 12
ATTEMPTS = 40


def write_history(loaded_at: datetime, localities: Localities) -> list[Envelope]:
    """About 300 referrals with all of their events until `loaded_at` (aware), oldest first."""
    today = london_day(loaded_at)
    services = _services(today)
    diary = PastDiary(link_workers(today))
    events: list[Envelope] = []
    for number in range(1, rates.REFERRALS + 1):
        said, diary = _referral(number, loaded_at, localities, services, diary)
        events += said
    return sorted(events, key=lambda event: (event.time, event.id))


def _referral(
    number: int,
    loaded_at: datetime,
    localities: Localities,
    services: dict[str, list[Service]],
    diary: PastDiary,
) -> tuple[list[Envelope], PastDiary]:
    for attempt in range(ATTEMPTS):
        # An attempt that reaches no end writes into a copy of the diary, which is dropped with it.
        kept = diary.copy()
        rng = chance("history", number, attempt)
        slug = pick(rng, {one.slug: rates.LOCALITIES.get(one.slug, 1.0) for one in localities.real})
        practice = rng.choice(localities.by_slug[slug].practices)
        # Spread evenly, so that every week has referrals.
        days_ago = QUIET_DAYS + (rates.REFERRALS - number) * (rates.WEEKS * 7 - QUIET_DAYS) / rates.REFERRALS
        began = office_hours(rng, london_day(loaded_at) - timedelta(days=round(days_ago)))
        journal = Journal(slug, f"history/{number}", began, loaded_at)
        home = rng.choice(_homes().get(practice.postcode[:-2]) or tuple(places()))
        case = Case(number, journal, rng, practice, home, began, kept, services[slug])
        _live(case)
        if journal.settled:
            return journal.events, kept
    raise RuntimeError(f"referral {number} of the history comes to no end")


def _live(case: Case) -> None:
    referred(case)
    if ended_early(case):
        return
    met_at = met(case)
    if met_at is None:
        return
    before = first_answers(case, met_at)
    last = prescribed(case, agreed(case, met_at), met_at)
    put_right(case)
    closed(case, before, last)


def _services(today: date) -> dict[str, list[Service]]:
    return {
        slug: [one for one in read_directory(page, slug, today).services if one.offered]
        for slug, page in directory_documents(today).items()
    }


@cache
def _homes() -> dict[str, list[Place]]:
    """Homes by postcode sector ("ST3 6"): people mostly live near their practice."""
    sectors: dict[str, list[Place]] = defaultdict(list)
    for place in places():
        sectors[place.postcode[:-2]].append(place)
    return sectors
