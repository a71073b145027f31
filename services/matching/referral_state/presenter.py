"""Presents stored referrals: cases, meetings and facts as lines."""

from collections.abc import Container, Mapping
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final, Protocol

from services.matching.directory.feed.model import Service
from services.matching.referral_state.attention import NeedsYou, Reason, ToDo
from services.matching.referral_state.state import ReferralState
from services.matching.referral_state.undo import may_undo
from services.matching.referral_state.views import CaseLine, FactLine, MeetingShown, PrescriptionShown
from services.matching.roster.link_workers import LinkWorker
from shared.contract.authority import parts_of
from shared.contract.events import vocabulary as v
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody
from shared.contract.events.topics import SourcePart, our_parts
from shared.contract.history import ReferralHistory, Stage
from shared.contract.history.days import day_of
from shared.contract.history.next_step import Step
from shared.contract.labels import where
from shared.delivery.mongo.database import Row
from shared.platform.clock import LONDON
from shared.platform.localities import Localities
from shared.platform.web.owners import Owner, Owners

Workers = Mapping[str, LinkWorker]
# Statuses in which a service still needs its link.
USES_ITS_LINK: Final = frozenset({"asked", "accepted", "waiting_list"})


class EndedLink(Protocol):
    """A one-tap link that ended before its time."""

    @property
    def ended_at(self) -> datetime | None:
        """The moment at which the link ended."""

    @property
    def alerts(self) -> bool:
        """True if the link worker has not seen the end yet."""
        ...


NONE_ENDED: Final[Mapping[str, EndedLink]] = MappingProxyType({})


class CasePresenter:
    """Presents lines. Places come from the link workers' hours, else from the practice's name.

    A meeting that others booked has the practice's name, until its owner tells the room.
    """

    def __init__(
        self,
        localities: Localities,
        workers: Workers,
        now: datetime,
        ended_links: Mapping[str, EndedLink] = NONE_ENDED,
    ) -> None:
        self._localities = localities
        self._workers = workers
        self._now = now
        self._ended_links = ended_links

    def case(self, row: Row | Mapping[str, Any]) -> CaseLine:
        """A stored referral (locality, referral, view document) as a line. Its creation must be known."""
        view, created = row["view"], row["view"]["created"]
        waiting, step = view["waiting"], view["step"]
        active = next((m for m in view["meetings"] if m["id"] == view["active"]), None)
        return CaseLine(
            locality=row["locality"],
            referral_id=row["referral"],
            practice=created["practice"],
            stage=Stage(view["stage"]),
            open=view["open"],
            created_at=view["created_at"],
            urgency=v.Urgency(created["urgency"]),
            needs=tuple(v.Need(need) for need in created["needs"]),
            age_band=v.AgeBand(created["age_band"]),
            risk=v.Risk(created["risk"]),
            contact=v.SafeToText(created["contact"]),
            language=created["language"],
            interpreter=created["interpreter"],
            access_needs=tuple(v.AccessNeed(need) for need in created["access_needs"]),
            link_worker=view["link_worker"],
            active=self.meeting(row, active) if active else None,
            step=Step(v.NextStepCode(step["code"]), date.fromisoformat(step["on"]), step["derived"])
            if step
            else None,
            reasons=self._reasons(view),
            waiting=v.WaitingReason(waiting["reason"]) if waiting else None,
            expected_by=date.fromisoformat(waiting["expected_by"]) if waiting else None,
            risk_note=created.get("risk_note"),
            kept_elsewhere=self._elsewhere(row["locality"], view.get("said_by")),
        )

    def _reasons(self, view: Mapping[str, Any]) -> tuple[Reason, ...]:
        """The reasons of the history that hold now, and links that ended after wrong codes."""
        told = [_reason(r) for r in view["reasons"] if r["since"] <= self._now]
        for one in view["prescriptions"] if view["open"] else ():
            link = self._ended_links.get(one["id"])
            if link is not None and link.alerts and link.ended_at and one["status"] in USES_ITS_LINK:
                told.append(Reason(NeedsYou.LINK_ENDED, link.ended_at, ToDo.RING_SERVICE, one["id"]))
        return tuple(sorted(told, key=lambda reason: (reason.since, reason.reason, reason.about or "")))

    def _elsewhere(self, locality: str, said_by: str | None) -> bool:
        return said_by is not None and Owners(self._localities, {}).keeps_people(said_by, locality) is False

    def meeting(self, row: Row | Mapping[str, Any], meeting: Mapping[str, Any]) -> MeetingShown:
        """One of the meetings of a stored referral."""
        starts_at: datetime = meeting["starts_at"]
        by = booked_by(meeting.get("said_by"))
        # Another owner's room is its own to tell: the hours might name a wrong one.
        room = (
            self._room(meeting["link_worker"], meeting["practice"], starts_at)
            if by is None
            else self._building(meeting["practice"])
        )
        return MeetingShown(
            meeting_id=meeting["id"],
            referral_id=row["referral"],
            locality=row["locality"],
            link_worker=meeting["link_worker"],
            practice=meeting["practice"],
            place=where(meeting["mode"], room),
            starts_at=starts_at,
            minutes=meeting["minutes"],
            mode=v.MeetingMode(meeting["mode"]),
            status=meeting["status"],
            provisional=meeting["provisional"],
            sequence=meeting["sequence"],
            booked_by=by,
        )

    def _room(self, link_worker: str, practice: str, starts_at: datetime) -> str:
        """The room of a meeting face to face: of the hours then, of other hours there, or the practice."""
        worker = self._workers.get(link_worker)
        here = starts_at.astimezone(LONDON)
        there = [hours for hours in worker.hours if practice in hours.practices] if worker else []
        for hours in there:
            if hours.weekday == here.weekday() and hours.opens <= here.time() < hours.closes:
                return hours.place
        return there[0].place if there else self._building(practice)

    def _building(self, practice: str) -> str:
        known = self._localities.practice(practice)
        return known.display_name if known else practice


def booked_by(source: str | None) -> str | None:
    """The name of the source that booked a meeting, such as `booking-js`; None for our own."""
    return None if source is None or our_parts(source) else source.rpartition("/")[2]


def _reason(stored: Mapping[str, Any]) -> Reason:
    return Reason(NeedsYou(stored["reason"]), stored["since"], ToDo(stored["todo"]), stored["about"])


def history(view: ReferralState, locality: str, ours: Container[SourcePart]) -> tuple[FactLine, ...]:
    """The whole history, newest first. `ours`: the parts of the locality that are ours."""
    lines = [fact_line(fact, view.retracted, locality, view.story, ours) for fact in view.facts]
    return tuple(sorted(lines, key=lambda line: (line.recorded, line.event_id), reverse=True))


def fact_line(
    fact: Fact,
    gone: frozenset[tuple[str, str]],
    locality: str,
    story: ReferralHistory,
    ours: Container[SourcePart],
) -> FactLine:
    """One fact of a history. `gone`: the retracted facts. `ours`: see `history`."""
    body = fact.body
    told: dict[str, Any] = {}
    if isinstance(body, EventBody):
        told = body.model_dump(mode="json", exclude_none=True, exclude={"referral_id", "locality", "kind"})
    undone = fact.key in gone
    return FactLine(
        source=fact.source,
        event_id=fact.id,
        kind=fact.kind,
        time=fact.time,
        recorded=fact.recorded,
        undo=not undone and may_undo(fact, locality) and parts_of(fact.kind)[0] in ours,
        undone=undone,
        on=day_of(body, fact, story),
        note=told.get("note"),
        detail=told,
    )


def prescriptions(
    view: ReferralState, services: Mapping[str, Service], owner: Owner | None = None
) -> tuple[PrescriptionShown, ...]:
    """The services of the plan, in the order of their addition.

    `owner`: directory's, if it is not ours. It may not have answered.
    """
    unknown = f"A service that {owner.name} lists" if owner else "A service that has left the directory"
    return tuple(
        PrescriptionShown(
            prescription_id=p.prescribed.prescription_id,
            service_id=p.prescribed.service_id,
            service=services[p.prescribed.service_id].name
            if p.prescribed.service_id in services
            else unknown,
            need=p.prescribed.need,
            status=p.status,
            prescribed_at=p.said.time,
            since=p.since,
            signposted=p.prescribed.signposted,
            may_share=p.may_share,
            weeks=p.weeks,
            not_suitable=p.not_suitable,
            started_on=p.started_on,
            barrier=p.barrier,
        )
        for p in sorted(view.story.prescriptions, key=lambda p: p.said.id)
    )
