"""Bodies and answers of the API on link workers."""

from pydantic import BaseModel, Field

from services.matching.referral_state.views import ToRing
from services.matching.roster.link_workers import Leave, LinkWorker
from services.matching.web.schemas import Body
from shared.contract.events.models import Day


class OffSick(Body):
    """The sick day."""

    day: Day | None = Field(None, description="Left out: today, in London.")


class LeaveIn(Leave, Body):
    """Days away, both ends included."""

    def leave(self) -> Leave:
        """The leave as the roster stores it."""
        return Leave(first=self.first, last=self.last)


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
