"""Bodies and answers of the API on link workers."""

from pydantic import BaseModel, Field, model_validator

from services.matching.referral_state.views import ToRing
from services.matching.roster.link_workers import Half, Leave, LinkWorker
from services.matching.roster.queries import Entry
from services.matching.web.schemas import Body
from shared.contract.events.models import Day


class OffSick(Body):
    """The sick day."""

    day: Day | None = Field(None, description="Left out: today, in London.")


class LeaveIn(Body):
    """Days away, both ends included."""

    first: Day
    last: Day | None = Field(None, description="Left out: the first day only, or an end that is not known.")
    half: Half | None = Field(None, description="The half of a single day; left out for whole days.")
    end_unknown: bool = Field(False, description="The leave lasts until it is ended.")

    @model_validator(mode="after")
    def _is_a_leave(self) -> "LeaveIn":
        self.leave()
        return self

    def leave(self) -> Leave:
        """The leave as the roster stores it."""
        if self.end_unknown and self.half is None:
            return Leave.until_ended(self.first)
        return Leave(
            first=self.first, last=self.last or self.first, half=self.half, end_unknown=self.end_unknown
        )


class BackIn(LeaveIn):
    """The leave that ends, and the day on which the link worker is back."""

    back_on: Day


class LinkWorkerIn(LinkWorker, Body):
    """A link worker's whole entry."""

    def link_worker(self) -> LinkWorker:
        """The entry as the roster stores it."""
        return LinkWorker.model_validate(self.model_dump())


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
        """The link worker as the API returns them."""
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


class ToRingOut(BaseModel):
    """People to ring because their meeting was moved, by time of day."""

    to_ring: list[ToRing]


class LeavePreviewOut(BaseModel):
    """Meetings that the leave would move. `now` is the time that each would get; null if none is free.

    `moved_by`: another owner of booking moves them, and its times are not known before.
    """

    meetings: list[ToRing]
    moved_by: str | None


class EntryOut(BaseModel):
    """An entry with its version. `may_undo`: the last change can be taken back."""

    entry: LinkWorker
    version: int
    may_undo: bool
    open_cases: int

    @classmethod
    def of(cls, entry: Entry) -> "EntryOut":
        """The entry as the API returns it."""
        return cls(
            entry=entry.worker,
            version=entry.version,
            may_undo=entry.change is not None,
            open_cases=entry.open_cases,
        )


class EntriesOut(BaseModel):
    """Entries by id."""

    link_workers: list[EntryOut]
