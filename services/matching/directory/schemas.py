"""Bodies and answers of the API on the directory."""

from datetime import datetime

from pydantic import BaseModel, Field

from services.matching.directory.availability import Availability
from services.matching.directory.feed.model import Service
from services.matching.directory.offered import Feed
from services.matching.directory.repository import ImportReport
from services.matching.directory.views import FoundService
from services.matching.web.schemas import Body
from shared.contract.api import services as contract


class ServiceOut(BaseModel):
    """A directory entry. `asks_email` is for services of the programme only.

    `availability`: from recent statements of the service, else from the directory's own entry.
    """

    service: Service
    distance_km: float | None = None
    next_session: str | None = None
    # Only if the mailbox is confirmed.
    asks_email: str | None = None
    # None if there is no mailbox, or the caller may not see this.
    mailbox_confirmed: bool | None = None
    availability: Availability

    @classmethod
    def of(cls, service: Service, places: Availability, *, mailable: bool | None = None) -> "ServiceOut":
        """The entry as the API returns it.

        `mailable` is None for callers who may not write to the mailbox.
        """
        hidden = service.model_copy(update={"email": None})
        told = service.email if mailable else None
        confirmed = mailable if service.email is not None else None
        return cls(service=hidden, asks_email=told, mailbox_confirmed=confirmed, availability=places)

    @classmethod
    def found(cls, found: FoundService) -> "ServiceOut":
        """The entry with distance and next session, as a search found it."""
        out = cls.of(found.service, found.availability)
        return out.model_copy(update={"distance_km": found.distance_km, "next_session": found.next_session})


class ServicesOut(BaseModel):
    """A page of services, as Open Referral UK pages them."""

    contents: list[ServiceOut]
    total_items: int
    total_pages: int
    page_number: int
    size: int


class DefectOut(BaseModel):
    """One defect of a feed; `result`: kept, mended or refused."""

    record: str
    field: str
    code: str
    sentence: str
    result: str


class ImportOut(BaseModel):
    """Report of an import."""

    import_id: str
    feed: str
    at: datetime
    records: int
    services: int
    defects: list[DefectOut]
    # Number of entries beyond those listed.
    defects_left_out: int = 0

    @classmethod
    def of(cls, report: ImportReport) -> "ImportOut":
        """The report as the API returns it."""
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
    """A feed of the directory, with its owners and the localities in which it is offered."""

    feed: str
    owners: list[str]
    localities: list[str]

    @classmethod
    def of(cls, feed: Feed) -> "FeedOut":
        """The feed as the API returns it."""
        return cls(feed=feed.name, owners=list(feed.owners), localities=sorted(feed.offered))


class FeedsOut(BaseModel):
    """Every feed."""

    feeds: list[FeedOut]


class PlacesIn(Body):
    """A statement that a service has places again, or its withdrawal."""

    free: bool = Field(examples=[True])


class ServicesAsked(contract.ServicesAsked, Body):
    """The need for which another casework wants services."""


class ServicesNamed(contract.ServicesNamed, Body):
    """The services of another casework's plans."""
