"""Bodies and answers of the API of the manager's desk."""

from typing import Annotated

from pydantic import BaseModel, Field

from services.matching.programme.desk.views import DeskRow, LocalityCounts, OpenedList, Session
from services.matching.programme.desk.workload import OPEN_CASES, PEOPLE_A_YEAR
from services.matching.referral_state.views import CaseLine
from services.matching.web.schemas import Body, Words
from shared.contract.events.models import Day, LinkWorkerId, Ref


class DeskOut(BaseModel):
    """Figures by link worker, and what full time is measured by."""

    link_workers: list[DeskRow]
    open_cases: int = OPEN_CASES
    people_a_year: tuple[int, int] = PEOPLE_A_YEAR


class QualityOut(BaseModel):
    """Data quality by locality. Each count is the length of the list of its code."""

    localities: list[LocalityCounts]


class ListOut(BaseModel):
    """The cases of a list: references, codes and dates."""

    code: str
    locality: str
    link_worker: str | None
    count: int
    cases: list[CaseLine]

    @classmethod
    def of(cls, opened: OpenedList) -> "ListOut":
        """The list as the API returns it."""
        return cls(
            code=opened.code,
            locality=opened.locality,
            link_worker=opened.link_worker,
            count=len(opened.cases),
            cases=list(opened.cases),
        )


class CaseDiscussed(Body):
    """A case, and what was said. The text is stored in the vault; it names nobody."""

    referral: Ref
    note: Words = ""


class SupervisionIn(Body):
    """A supervision session."""

    link_worker: LinkWorkerId = Field(examples=["lw-meir-1"])
    held_on: Day
    next_on: Day | None = None
    cases: Annotated[tuple[CaseDiscussed, ...], Field(max_length=30)] = ()


class SessionsOut(BaseModel):
    """The sessions of a link worker, the latest first."""

    sessions: list[Session]


class SessionOut(BaseModel):
    """A session, with what was said by referral."""

    session: Session
    said: dict[str, str] = Field(default_factory=dict)
