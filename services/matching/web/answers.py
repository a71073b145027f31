"""What the API answers with, beside the plain values of `shown`."""

from datetime import datetime

from pydantic import BaseModel

from services.matching.directory.availability import Availability
from services.matching.directory.feed.model import Service
from services.matching.directory.offered import Feed
from services.matching.directory.ranking import RankedService
from services.matching.directory.repository import ImportReport
from services.matching.referral_state.views import (
    CaseLine,
    DiaryEntry,
    FoundService,
    NeedsYouLine,
    Slot,
    ToRing,
)
from services.matching.roster.link_workers import LinkWorker
from shared.contract.events import vocabulary as v


class SlotOut(BaseModel):
    """A free time. `key` goes back to `another-time` or `book`."""

    key: str
    link_worker: str
    practice: str
    place: str
    starts_at: datetime
    minutes: int
    mode: v.MeetingMode

    @classmethod
    def of(cls, slot: Slot) -> "SlotOut":
        return cls(
            key=slot.key,
            link_worker=slot.link_worker,
            practice=slot.practice,
            place=slot.place,
            starts_at=slot.starts_at,
            minutes=slot.minutes,
            mode=slot.mode,
        )


class OptionsOut(BaseModel):
    """Suitable times, the earliest first."""

    options: list[SlotOut]


class DiaryOut(BaseModel):
    """Meetings and free times of a diary, each in order."""

    meetings: list[DiaryEntry]
    free: list[SlotOut]


class CaseloadOut(BaseModel):
    cases: list[CaseLine]


class NeedsYouOut(BaseModel):
    needs_you: list[NeedsYouLine]


class ToRingOut(BaseModel):
    """Whom to ring because their meeting was moved, by time of day."""

    to_ring: list[ToRing]


class LinkOut(BaseModel):
    """A one-tap link: a secret of the service that it is for."""

    url: str


class ServiceOut(BaseModel):
    """A directory entry. `asks_email` is there for services of the programme only.

    `availability`: whether it takes people now, by what was said lately, else by the directory's own entry.
    """

    service: Service
    distance_km: float | None = None
    next_session: str | None = None
    asks_email: str | None = None
    """Only where the mailbox is confirmed."""
    mailbox_confirmed: bool | None = None
    """None where there is no mailbox, or the caller is not told."""
    availability: Availability

    @classmethod
    def of(cls, service: Service, places: Availability, *, mailable: bool | None = None) -> "ServiceOut":
        """`mailable`: whether its mailbox is confirmed, for those who may write to it; None for others."""
        hidden = service.model_copy(update={"email": None})
        told = service.email if mailable else None
        confirmed = mailable if service.email is not None else None
        return cls(service=hidden, asks_email=told, mailbox_confirmed=confirmed, availability=places)

    @classmethod
    def found(cls, found: FoundService) -> "ServiceOut":
        out = cls.of(found.service, found.availability)
        return out.model_copy(update={"distance_km": found.distance_km, "next_session": found.next_session})


class ServicesOut(BaseModel):
    """A page of services, as Open Referral UK pages them."""

    contents: list[ServiceOut]
    total_items: int
    total_pages: int
    page_number: int
    size: int


class RankedOut(BaseModel):
    """A service and how it suits, in codes and in sentences."""

    service: ServiceOut
    suitable: bool
    why: list[str]
    why_not: list[str]
    sentences: list[str]
    against: list[str]
    can_be_asked: bool

    @classmethod
    def of(cls, ranked: RankedService) -> "RankedOut":
        return cls(
            service=ServiceOut.found(
                FoundService(ranked.service, ranked.distance_km, ranked.next_session, ranked.availability)
            ),
            suitable=ranked.suitable,
            why=[code.value for code in ranked.why],
            why_not=[code.value for code in ranked.why_not],
            sentences=list(ranked.sentences),
            against=list(ranked.against),
            can_be_asked=ranked.can_be_asked,
        )


class SuggestedOut(BaseModel):
    """Services for one need of one person: suitable ones first, near misses after them."""

    services: list[RankedOut]


class DefectOut(BaseModel):
    """One thing wrong in a feed; `result`: kept, mended or refused."""

    record: str
    field: str
    code: str
    sentence: str
    result: str


class ImportOut(BaseModel):
    """What came of an import."""

    import_id: str
    feed: str
    at: datetime
    records: int
    services: int
    defects: list[DefectOut]
    defects_left_out: int = 0
    """Number of entries beyond those listed."""

    @classmethod
    def of(cls, report: ImportReport) -> "ImportOut":
        return cls(
            import_id=report.import_id,
            feed=report.feed,
            at=report.at,
            records=report.records,
            services=report.services,
            defects=[
                DefectOut(
                    record=d.record, field=d.field, code=d.code, sentence=d.sentence, result=d.result.value
                )
                for d in report.defects
            ],
            defects_left_out=report.defects_left_out,
        )


class FeedOut(BaseModel):
    """A feed of the directory: whose it is, and in which localities it is offered."""

    feed: str
    owners: list[str]
    localities: list[str]

    @classmethod
    def of(cls, feed: Feed) -> "FeedOut":
        return cls(feed=feed.name, owners=list(feed.owners), localities=sorted(feed.offered))


class FeedsOut(BaseModel):
    """Every feed."""

    feeds: list[FeedOut]


class LinkWorkerOut(BaseModel):
    """A link worker. `place` is the first of the places where they meet people."""

    id: str
    locality: str
    name: str
    email: str
    telephone: str
    place: str | None
    practices: list[str]
    languages: list[str]
    entry: LinkWorker

    @classmethod
    def of(cls, worker: LinkWorker) -> "LinkWorkerOut":
        return cls(
            id=worker.id,
            locality=worker.locality,
            name=worker.name,
            email=worker.email,
            telephone=worker.telephone,
            place=worker.hours[0].place if worker.hours else None,
            practices=sorted(worker.practices),
            languages=list(worker.languages),
            entry=worker,
        )
