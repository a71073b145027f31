"""What the programme and its services do: link workers' entries, feeds, links."""

from collections.abc import Collection

from services.matching.authorization import find_case, problem_of
from services.matching.booking.use_cases import MeetingActions
from services.matching.calendar import london_day
from services.matching.command_runner import Asking, refusing
from services.matching.directory.offered import Feed
from services.matching.directory.repository import Directory, ImportReport, NotTaken
from services.matching.errors import Refused
from services.matching.provider.link_states import LinkStates
from services.matching.provider.links import Links
from services.matching.repository import LINK_WORKERS, touch_caseload, wake_waiting, worker_of
from services.matching.request import Asked
from services.matching.roster.link_workers import LinkWorker
from shared.delivery.mongo.database import Transaction
from shared.platform.web.caller import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError


class ProgrammeActions(MeetingActions):
    """What is kept on behalf of the programme."""

    asking: Asking
    directory: Directory
    links: Links
    link_states: LinkStates

    async def put_link_worker(self, caller: Principal, worker: LinkWorker) -> LinkWorker:
        """Keeps a link worker's entry. Meetings on days of leave are moved; other meetings stand.

        Put again, it does whatever was left of that by a process that died. What partners booked with a link
        worker of whom we had not heard yet gets its time in the diary.

        Raises a Problem: 404 for a locality or an entry that is not the caller's, 422 for a practice that
        is not of the locality.
        """
        if not caller.may_locality(worker.locality) or worker.locality not in self.asking.localities.by_slug:
            raise problem_of(Refused("unknown_link_worker"))
        self._check_practices(worker)

        async def work(tx: Transaction) -> None:
            row = await tx[LINK_WORKERS].find_one({"_id": worker.id}, session=tx.session)
            before = worker_of(row) if row is not None else None
            if before is not None and before.locality != worker.locality:
                raise Refused("unknown_link_worker")
            kept = worker.model_dump(mode="json", exclude={"id"})
            version = (row["v"] if row is not None else 0) + 1
            await tx[LINK_WORKERS].replace_one(
                {"_id": worker.id}, {**kept, "v": version}, upsert=True, session=tx.session
            )
            await touch_caseload(tx, worker.locality, worker.id)
            practices = worker.practices | (before.practices if before else frozenset())
            await wake_waiting(tx, worker.locality, practices, self.asking.kernel.clock())

        async with refusing():
            await self.asking.kernel.transact(work)
            await self.enter_meetings(worker)
        today = london_day(self.asking.kernel.clock())
        for leave in worker.leave:
            if leave.last >= today:
                await self.move_away(Asked(caller), worker, leave)
        return worker

    async def take_feed(self, caller: Principal, feed: str, document: bytes) -> ImportReport:
        """Takes a directory feed, all its pages at once. A new feed is offered in the caller's localities.

        Raises a Problem: 404 for a feed that others of more localities keep, 422 `pages_missing` or
        `records_too_many`.
        """
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
        """Offers a feed in these localities of the caller's, or no longer.

        Raises a Problem: 404 for a locality that is not theirs, and for no such feed.
        """
        if caller.role != "programme_admin":
            raise Problem(403, code="role", detail="Your role does not include this.")
        if not all(caller.may_locality(slug) for slug in localities):
            raise Problem(404, code="unknown_locality", detail="There is no such locality among yours.")
        feeds = self.directory.feeds
        if not await (feeds.accept if offer else feeds.withdraw)(feed, localities):
            raise _unknown_feed()
        return await feeds.named(feed) or Feed(feed, (), ())

    async def link(self, caller: Principal, prescription_id: str, locality: str | None) -> str:
        """The address of a fresh one-tap link. 409 where the service is not asked (any more)."""
        which = {"view.prescriptions.id": prescription_id}
        if locality is not None:
            if not caller.may_locality(locality):
                raise problem_of(Refused("unknown_prescription"))
            which["locality"] = locality
        row = await find_case(self.asking.kernel.mongo, caller, which, ("service",))
        one = next(p for p in row["view"]["prescriptions"] if p["id"] == prescription_id)
        if not row["view"]["open"]:
            raise problem_of(Refused("case_ended"))
        if one["status"] == "signposted":
            raise problem_of(Refused("signposted"))
        state = await self.link_states.state(row["locality"], prescription_id)
        if state.ended_at is not None:
            raise Problem(409, code="link_ended", detail="The link of this service has ended.")
        token = self.links.token(row["locality"], prescription_id, one["service"], state.generation)
        return self.links.url(token)

    def _check_practices(self, worker: LinkWorker) -> None:
        for place, hours in enumerate(worker.hours):
            for code in hours.practices:
                there = self.asking.localities.of_practice(code)
                if there is None or there.slug != worker.locality:
                    wrong = FieldError(
                        f"/hours/{place}/practices",
                        "practice_elsewhere",
                        "This practice is not of the link worker's locality.",
                    )
                    raise Problem(422, code="invalid", errors=[wrong])


def _unknown_feed() -> Problem:
    return Problem(404, code="unknown_feed", detail="There is no such feed among yours.")
