"""Loads the invented programme step by step. Steps that an earlier run finished are not repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cached_property

import httpx

from deploy.demo.current import REFERRALS, CurrentReferral, current_referrals, referral_of
from deploy.demo.doors import Doors, DoorShut
from deploy.demo.history import write_history
from deploy.demo.history.days import london_day
from deploy.demo.link_workers import link_workers, rooms
from deploy.demo.newcomers import AUTHOR, PRACTICE, make_partner_topics, with_newcomers
from deploy.demo.progress import Progress
from deploy.demo.publishing import publish
from deploy.demo.services import directory_documents
from deploy.demo.settings import DemoSettings
from deploy.demo.sign_in import SignIn
from deploy.demo.team import play_team
from deploy.development.settings import USERS_FILE
from deploy.development.users import load_users
from shared.delivery.control.log import NoControlTopic
from shared.delivery.control.publishing import publish_table, standing_versions
from shared.platform.clock import Clock
from shared.platform.localities import LOCALITIES_FILE, load_localities
from shared.platform.localities.loading import localities_of

ADMIN = "admin"
# Half a second apart, while services take up a version of the table.
TAKES_UP_ATTEMPTS = 60
Say = Callable[[str], None]


class Demonstration:
    """The whole load. Everything passes through the services' APIs and the event log."""

    def __init__(
        self, settings: DemoSettings, http: httpx.AsyncClient, progress: Progress, say: Say, clock: Clock
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._doors = Doors(http, SignIn(http, settings))
        self._progress = progress
        self._say = say
        self._today = london_day(progress.loaded_at)
        self._localities = load_localities(settings.localities_file or LOCALITIES_FILE)

    async def play(self) -> None:
        """Loads link workers, services and today's referrals, so that pages are soon useful, then history."""
        steps: dict[str, Callable[[], Awaitable[None]]] = {
            "rooms": self._rooms,
            "link workers": self._link_workers,
            "directory": self._directory,
            "current referrals": self._current_referrals,
            "team": self._team,
            "newcomers": self._newcomers,
            "history": self._history,
        }
        for step, play in steps.items():
            if self._progress.done(step):
                self._say(f"{step}: in already")
                continue
            await play()
            self._progress.finish(step)

    async def _rooms(self) -> None:
        found = rooms()
        for room in found:
            url = f"{self._settings.matching_url}/api/matching/v1/rooms/{room['id']}"
            await self._doors.send("PUT", url, ADMIN, room)
        self._say(f"rooms: {len(found)}")

    async def _link_workers(self) -> None:
        workers = link_workers(self._today)
        for worker in workers:
            url = f"{self._settings.matching_url}/api/matching/v1/link-workers/{worker['id']}"
            await self._doors.send("PUT", url, ADMIN, worker)
        self._say(f"link workers: {len(workers)}")

    async def _directory(self) -> None:
        url = f"{self._settings.matching_url}/api/matching/v1/directory/imports"
        for slug, document in directory_documents(self._today).items():
            await self._doors.send("POST", f"{url}?feed=demo-{slug}", ADMIN, document)
            self._say(f"directory: {slug}")

    async def _current_referrals(self) -> None:
        referrals = current_referrals(self._today, self._localities)
        for number, referral in enumerate(referrals, start=1):
            await self._refer(referral)
            if number % 10 == 0:
                self._say(f"current referrals: {number} of {len(referrals)}")

    async def _team(self) -> None:
        """A referral is returned, a case covered, a supervision session recorded, time kept for a team."""
        self._say(f"team: {await play_team(self._doors, self._settings.matching_url, self._today)}")

    async def _newcomers(self) -> None:
        """Publishes a table with a further practice and partner, and refers from that practice."""
        kafka, topic = self._settings.kafka, self._settings.control_topic
        try:
            newest = (await standing_versions(kafka, topic)).versions.newest
        except NoControlTopic:
            newest = None
        table = with_newcomers(newest.document) if newest is not None else None
        if table is None:
            self._say("newcomers: none, as the table in use has no place for them")
            return
        await make_partner_topics(kafka)  # Before a service looks for them.
        published = await publish_table(kafka, topic, table, AUTHOR, self._clock())
        if published is not None:
            self._say(f"newcomers: {' '.join(published.changes)}")
        practice = localities_of(table, "the demonstration's table").practice(PRACTICE)
        if practice is not None:
            await self._refer_soon(referral_of(REFERRALS, practice, self._today))
            self._say(f"newcomers: a referral of {practice.display_name} is in")

    async def _refer_soon(self, referral: CurrentReferral) -> None:
        """Refers from a practice that the services may not know for another second."""
        for attempt in range(TAKES_UP_ATTEMPTS):
            try:
                await self._refer(referral)
            except DoorShut:
                if attempt == TAKES_UP_ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.5)
            else:
                return

    async def _refer(self, referral: CurrentReferral) -> None:
        url = f"{self._settings.referral_url}/api/referral/v1/referrals"
        user = self._referrers[referral.practice]
        await self._doors.send("POST", url, user, referral.body, {"idempotency-key": referral.key})

    async def _history(self) -> None:
        events = write_history(self._progress.loaded_at, self._localities)

        def said(out: int) -> None:
            self._say(f"history: {out} of {len(events)} events")

        await publish(self._settings.kafka, events, said)

    @cached_property
    def _referrers(self) -> dict[str, str]:
        """A referrer for each practice."""
        users = load_users(USERS_FILE, self._settings.localities_file).users.values()
        return {code: user.id for user in users if user.role == "referrer" for code in user.practices}


async def play(settings: DemoSettings, clock: Clock, say: Say) -> None:
    """Loads everything that is missing. Raises DoorShut or SignInFailed if a service refuses."""
    progress = Progress(settings.state, clock)
    async with httpx.AsyncClient(timeout=30) as http:
        await Demonstration(settings, http, progress, say, clock).play()
