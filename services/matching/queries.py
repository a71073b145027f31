"""Everything that is shown in matching. Nothing here changes anything, drafts apart."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from services.matching.ranking import RankedService
from services.matching.shown import (
    CaseLine,
    CaseShown,
    DiaryEntry,
    FoundService,
    LocalityNow,
    NeedsYouLine,
    ServiceAsk,
    Slot,
)
from services.matching.workers import LinkWorker
from shared.directory.model import Service
from shared.events import vocabulary as v
from shared.web.caller import Caller


class Queries:
    """What link workers, practice staff and services see. Another's case is a 404 Problem."""

    async def link_worker(self, caller: Caller, link_worker: str | None = None) -> LinkWorker:
        """The caller's own entry, or, for programme_admin and services, the one named."""
        raise NotImplementedError

    async def today(self, caller: Caller, day: date | None = None) -> list[DiaryEntry]:
        """The caller's meetings of one day (today), in order, risk and contact warnings in each `case`."""
        raise NotImplementedError

    async def needs_you(self, caller: Caller, limit: int = 200) -> list[NeedsYouLine]:
        """What needs the caller, oldest first, with the reason, since when and what to do."""
        raise NotImplementedError

    async def caseload(self, caller: Caller, include_ended: bool = False) -> list[CaseLine]:
        """The caller's open cases, the earliest next step first; `include_ended`: ended ones after them."""
        raise NotImplementedError

    async def diary(
        self, caller: Caller, first: date, last: date, link_worker: str | None = None
    ) -> list[DiaryEntry]:
        """Meetings from `first` to `last` (at most 92 days), in order."""
        raise NotImplementedError

    async def free(
        self, caller: Caller, first: date, last: date, link_worker: str | None = None
    ) -> list[Slot]:
        """Free times of a diary."""
        raise NotImplementedError

    async def case(self, caller: Caller, referral_id: str) -> CaseShown:
        """Story, meetings, plan and history. Audited: it is a read of a person's case."""
        raise NotImplementedError

    async def case_of_meeting(self, caller: Caller, meeting_id: str) -> CaseShown:
        """The case that a meeting belongs to. Practice staff see their own practice's."""
        raise NotImplementedError

    async def options(self, caller: Caller, meeting_id: str, count: int = 3) -> list[Slot]:
        """Other suitable times for a booked meeting, earliest first."""
        raise NotImplementedError

    async def options_for(self, caller: Caller, referral_id: str, count: int = 3) -> list[Slot]:
        """Suitable times for a case without a meeting."""
        raise NotImplementedError

    async def ranked_services(
        self, caller: Caller, referral_id: str, need: v.Need, limit: int = 10
    ) -> list[RankedService]:
        """Services for this need, best first, each with why; near misses at the end, each with why not.

        The full postcode is asked of the vault now and forgotten; where the vault does not answer, distances
        are from the middle of the outward code.
        """
        raise NotImplementedError

    async def find_services(
        self,
        caller: Caller,
        need: v.Need | None = None,
        postcode: str | None = None,
        weekday: int | None = None,
        age: int | None = None,
        free_only: bool = False,
        limit: int = 100,
    ) -> list[FoundService]:
        """Search of the directory: the nearest first where a full postcode is given, else by name.

        `weekday`: 0 is Monday. What the feed does not say does not exclude a service. 422, code
        `postcode_unknown`, for a postcode that does not exist.
        """
        raise NotImplementedError

    async def services(self, ids: Sequence[str]) -> dict[str, Service]:
        """Directory entries by id; one that is no longer there is left out."""
        raise NotImplementedError

    async def draft(self, caller: Caller, referral_id: str) -> dict[str, Any] | None:
        """The draft of the meeting record as it was saved, texts fetched from the vault; None without one."""
        raise NotImplementedError

    async def save_draft(
        self, caller: Caller, referral_id: str, fields: Mapping[str, Any], texts: Mapping[str, str]
    ) -> None:
        """Keeps a draft: `fields` are codes and numbers, `texts` (by name) are kept in the vault only."""
        raise NotImplementedError

    async def drop_draft(self, caller: Caller, referral_id: str) -> None:
        """Forgets the draft."""
        raise NotImplementedError

    async def people(
        self, caller: Caller, cases: Sequence[CaseLine], fields: Sequence[str], purpose: str
    ) -> dict[str, dict[str, Any]]:
        """Names and the like of the people in these cases, by referral id, from the vault, audited there.

        One that is missing or erased is left out; an empty answer where the vault does not answer in time.
        """
        raise NotImplementedError

    async def notes(self, caller: Caller, referral_id: str, notes: Sequence[str]) -> dict[str, str]:
        """The texts of these notes by id, from the vault; left out where it does not answer."""
        raise NotImplementedError

    async def programme(self, caller: Caller) -> list[LocalityNow]:
        """Exact operational counts of the caller's localities, for programme_admin; no names."""
        raise NotImplementedError

    async def ask(self, token: str) -> ServiceAsk:
        """What a service sees through its link. 404 `link_altered`, 410 `link_expired`."""
        raise NotImplementedError

    def now(self) -> datetime:
        """The time by this service's clock, UTC."""
        raise NotImplementedError
