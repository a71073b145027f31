"""Use cases of the directory: feeds, wrong entries, new places."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Final

from services.matching.directory.offered import Feed
from services.matching.directory.ownership import DirectoryOwnership
from services.matching.directory.repository import Directory, ImportReport, NotTaken
from services.matching.directory.views import ListingFault
from services.matching.errors import Refused
from services.matching.request import RequestContext
from services.matching.web.refusals import problem_of, refusing
from shared.platform.web.audit import Change
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

# These roles may record on a service's behalf that it has places again.
SAYS_PLACES: Final = ("link_worker", "programme_admin")


@dataclass
class DirectoryUseCases:
    """Changes of the directory."""

    directory: Directory
    ownership: DirectoryOwnership

    async def take_feed(self, caller: Principal, feed: str, document: bytes) -> ImportReport:
        """Takes a directory feed, all its pages at once. A new feed is offered in the caller's localities.

        Raises:
            Problem: 404 for a feed with owners outside the caller's localities, 422 `pages_missing` or
                `records_too_many`, 409 `not_owner` if every directory of the caller's has another owner.
        """
        self.ownership.require_any(caller)
        known = await self.directory.feeds.named(feed)
        if known is not None and not all(caller.may_locality(slug) for slug in known.owners):
            raise _unknown_feed()
        async with refusing():
            try:
                return await self.directory.take(document, feed, caller)
            except NotTaken as refused:
                raise Problem(422, code=refused.code, detail=refused.sentence) from None

    async def offer_feed(
        self, caller: Principal, feed: str, localities: Collection[str], *, offer: bool
    ) -> Feed:
        """Offers a feed in these localities of the caller's, or ends the offer.

        Raises:
            Problem: 404 for an unknown feed, or a locality that is not the caller's; 409 `not_owner` for a
                locality whose directory has another owner.
        """
        if caller.role != "programme_admin":
            raise Problem(403, code="role", detail="Your role does not include this.")
        if not all(caller.may_locality(slug) for slug in localities):
            raise Problem(404, code="unknown_locality", detail="There is no such locality among yours.")
        self.ownership.require(localities)
        feeds = self.directory.feeds
        codes = tuple(f"locality={slug}" for slug in sorted(localities))
        change = Change(caller, "offer_feed" if offer else "withdraw_feed", codes=codes)
        work = partial(feeds.accept if offer else feeds.withdraw, name=feed, localities=localities)
        if not await self.directory.change(work, change):
            raise _unknown_feed()
        return await feeds.named(feed) or Feed(feed, (), ())

    async def flag_listing(self, context: RequestContext, service_id: str, wrong: ListingFault) -> None:
        """Stores a report of a wrong directory entry for the programme. 404: unknown service.

        409 `not_owner` if every directory of the caller's has another owner.
        """
        if context.caller.role not in ("link_worker", "programme_admin", "referrer"):
            raise Problem(403, code="role", detail="Your role does not include this.")
        self.ownership.require_any(context.caller)
        change = Change(context.caller, "flag_listing", codes=(f"wrong={wrong.value}",))
        if not await self.directory.flag(service_id, wrong, change):
            raise problem_of(Refused("unknown_service"))

    async def places(self, context: RequestContext, service_id: str, *, free: bool) -> None:
        """Records that a service has places again. Without `free`, takes that back.

        It counts for 60 days or until the service answers otherwise. 404: unknown service, or one that is not
        offered in a locality of the caller's. 409 `not_owner` if every directory of the caller's has another
        owner.
        """
        caller = context.caller
        if caller.role not in SAYS_PLACES:
            raise Problem(403, code="role", detail="Your role does not include this.")
        self.ownership.require_any(caller)
        seen_in = self.ownership.ours(caller)
        if not (caller.may_locality("*") or await self.directory.offered(service_id, seen_in)):
            raise problem_of(Refused("unknown_service"))
        if not free:
            await self.directory.places_taken_back(service_id, Change(caller, "take_back_places"))
        elif not await self.directory.places_free(service_id, Change(caller, "places_free")):
            raise problem_of(Refused("unknown_service"))


def _unknown_feed() -> Problem:
    return Problem(404, code="unknown_feed", detail="There is no such feed among yours.")
