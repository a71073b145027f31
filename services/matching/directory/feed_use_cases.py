"""Use cases of feeds with an address: add, try, fetch, schedule, trust, remove."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Final

from pymongo.errors import PyMongoError

from services.matching.directory.fetching import FeedFetcher, Fetched, NotFetched, read_address
from services.matching.directory.ownership import DirectoryOwnership
from services.matching.directory.repository import Directory, ImportReport, NotTaken
from services.matching.directory.subscriptions import Subscription, Subscriptions
from services.matching.web.refusals import refusing
from shared.delivery.kernel import Kernel
from shared.delivery.model.errors import Transient
from shared.delivery.mongo.database import Transaction
from shared.platform.web.audit import Change
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

_LOOK_SECONDS: Final = 30.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FeedAsked:
    """A feed as an administrator enters it. `every_hours`: 0 for by hand only.

    `offered`: the localities of a new feed's services; None for all of the administrator's. A feed that there
    is keeps where it is offered.
    """

    name: str
    url: str
    every_hours: int
    trusted: bool
    offered: tuple[str, ...] | None = None


@dataclass
class FeedUseCases:
    """Feeds that are fetched from an address."""

    kernel: Kernel[Any, Any]
    directory: Directory
    subscriptions: Subscriptions
    fetcher: FeedFetcher
    ownership: DirectoryOwnership

    async def feeds(self, caller: Principal) -> list[Subscription]:
        """Every feed."""
        _require_admin(caller)
        return await self.subscriptions.all()

    async def feed(self, caller: Principal, name: str) -> Subscription:
        """One feed. 404 if there is none."""
        _require_admin(caller)
        found = await self.subscriptions.named(name)
        if found is None:
            raise _unknown()
        return found

    async def put(self, caller: Principal, asked: FeedAsked) -> Subscription:
        """Stores a feed's address. A new feed is the caller's, and offered where they choose.

        Raises:
            Problem: 403 for a locality of others, 404 for a feed of others, 409 `not_owner`, 422 for an
                address that is never fetched.
        """
        _require_admin(caller)
        self.ownership.require_any(caller)
        await self._check_owner(caller, asked.name)
        try:
            read_address(asked.url, private_allowed=self.fetcher.private_allowed)
        except NotFetched as wrong:
            raise _refused(wrong) from None
        theirs, now = sorted(caller.localities), self.kernel.clock()
        offered = theirs if asked.offered is None else sorted(asked.offered)
        if not all(caller.may_locality(slug) for slug in offered):
            raise Problem(403, code="locality", detail="This locality is not yours.")

        async def work(tx: Transaction) -> None:
            await self.subscriptions.put(
                tx,
                asked.name,
                theirs,
                offered,
                url=asked.url.strip(),
                every_hours=asked.every_hours,
                trusted=asked.trusted,
                now=now,
            )

        async with refusing():
            await self.kernel.transact(work, change=_change(caller, "put_feed", asked.name))
        return await self.feed(caller, asked.name)

    async def dry_run(self, caller: Principal, name: str) -> ImportReport:
        """Fetches a feed and reports each defect. Nothing is stored but how it went.

        Raises:
            Problem: 404, 422 `not_fetched` with the reason.
        """
        feed = await self._own(caller, name)
        fetched = await self._fetched(feed, None)
        return await self.directory.tried(fetched.document or b"", feed.name)

    async def fetch_now(self, caller: Principal, name: str) -> ImportReport:
        """Fetches a feed and takes its services. Raises as `dry_run` does."""
        feed = await self._own(caller, name)
        fetched = await self._fetched(feed, None)
        return await self._take(feed, fetched, caller)

    async def remove(self, caller: Principal, name: str) -> None:
        """Removes a feed. Its services are offered no more. Raises 404."""
        await self._own(caller, name)
        async with refusing():
            await self.kernel.transact(
                lambda tx: self.subscriptions.remove(tx, name), change=_change(caller, "remove_feed", name)
            )

    async def keep_fetching(self) -> None:
        """Fetches feeds whose time has come, for ever. Continues after a failure."""
        while True:
            try:
                worked = await self.fetch_due()
            except (PyMongoError, Transient, Problem) as error:
                _log.warning("no feed is fetched: %s", type(error).__name__)
                worked = False
            if not worked:
                await asyncio.sleep(_LOOK_SECONDS)

    async def fetch_due(self) -> bool:
        """Fetches one feed whose time has come; False if there is none."""
        feed = await self.subscriptions.due(self.kernel.clock())
        if feed is None:
            return False
        try:
            fetched = await self._fetched(feed, feed.etag)
            if fetched.document is None:
                await self.subscriptions.note(feed, self.kernel.clock(), "unchanged")
            elif feed.trusted:
                await self._take(feed, fetched, _by_schedule(feed))
            else:
                tried = await self.directory.tried(fetched.document, feed.name)
                await self.subscriptions.note(
                    feed, self.kernel.clock(), "waits", records=tried.records, services=tried.services
                )
        except Problem as refused:
            _log.warning("feed %s was not taken: %s", feed.name, refused.code)
        return True

    async def _fetched(self, feed: Subscription, etag: str | None) -> Fetched:
        try:
            return await self.fetcher.fetch(feed.url, etag)
        except NotFetched as wrong:
            await self.subscriptions.note(feed, self.kernel.clock(), "failed", told=wrong.sentence)
            raise _refused(wrong) from None

    async def _take(self, feed: Subscription, fetched: Fetched, by: Principal) -> ImportReport:
        async with refusing():
            try:
                report = await self.directory.take(fetched.document or b"", feed.name, by)
            except NotTaken as refused:
                told = refused.sentence
                await self.subscriptions.note(feed, self.kernel.clock(), "failed", told=told)
                raise Problem(422, code=refused.code, detail=told) from None
        await self.subscriptions.note(
            feed,
            self.kernel.clock(),
            "taken",
            etag=fetched.etag,
            records=report.records,
            services=report.services,
        )
        return report

    async def _own(self, caller: Principal, name: str) -> Subscription:
        """A feed of the caller's with an address. 404 for others, 422 for one without an address."""
        _require_admin(caller)
        self.ownership.require_any(caller)
        await self._check_owner(caller, name)
        feed = await self.feed(caller, name)
        if not feed.url:
            raise Problem(422, code="no_address", detail="This feed has no address: it is sent to us.")
        return feed

    async def _check_owner(self, caller: Principal, name: str) -> None:
        known = await self.subscriptions.named(name)
        if known is not None and not all(caller.may_locality(slug) for slug in known.owners):
            raise _unknown()


def _by_schedule(feed: Subscription) -> Principal:
    return Principal("feed-schedule", "service", frozenset(feed.owners))


def _change(caller: Principal, action: str, name: str) -> Change:
    """A change of a feed, for the audit."""
    return Change(caller, action, codes=(f"feed={name}",))


def _require_admin(caller: Principal) -> None:
    if caller.role != "programme_admin":
        raise Problem(403, code="role", detail="Your role does not include this.")


def _unknown() -> Problem:
    return Problem(404, code="unknown_feed", detail="There is no such feed among yours.")


def _refused(wrong: NotFetched) -> Problem:
    errors = [FieldError("/url", wrong.code, wrong.sentence)]
    return Problem(422, code="not_fetched", detail=wrong.sentence, errors=errors)
