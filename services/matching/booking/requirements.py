"""A person's requirements of a meeting, and the times that meet them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from services.matching.booking.slot import Slot
from services.matching.roster.link_workers import LinkWorker
from shared.contract.events import vocabulary as v
from shared.contract.events.models import ReferralCreated
from shared.platform.clock import LONDON
from shared.platform.languages import same_language

# The shortest time from booking to meeting.
NOTICE: Final = timedelta(hours=2)
# An interpreter must be found first.
INTERPRETER_NOTICE: Final = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class MeetingRequirements:
    """A person's requirements.

    Attributes:
        link_worker: the only one possible.
        not_before: the person's own wish.
        sites: the practices whose rooms suit. Empty: the rooms of the person's practice.
        mode: the kind of meeting that was chosen. None: at home where the person needs it, else face to face.
    """

    practice: str
    language: str = "en"
    interpreter: bool = False
    home_visit: bool = False
    cannot_come: frozenset[str] = frozenset()
    link_worker: str | None = None
    not_before: date | None = None
    sites: frozenset[str] = frozenset()
    mode: v.MeetingMode | None = None

    @property
    def how(self) -> v.MeetingMode:
        """The kind of meeting."""
        usual = v.MeetingMode.HOME if self.home_visit else v.MeetingMode.FACE_TO_FACE
        return self.mode or usual

    @classmethod
    def of(
        cls, created: ReferralCreated, link_worker: str | None = None, not_before: date | None = None
    ) -> "MeetingRequirements":
        """The requirements of a referral, with the named link worker and the day to wait for, if any."""
        return cls(
            practice=created.practice,
            language=created.language,
            interpreter=created.interpreter,
            home_visit=v.AccessNeed.HOME_VISIT in created.access_needs,
            cannot_come=frozenset(half.value for half in created.cannot_come),
            link_worker=link_worker,
            not_before=not_before,
        )

    def who(self, workers: Iterable[LinkWorker]) -> list[LinkWorker]:
        """The link workers who could meet this person.

        Without an interpreter, those who speak the language. If no link worker of the practice does, all of
        them: a meeting with a friend's help is better than none.
        """
        fit = [
            worker
            for worker in workers
            if worker.active
            and self.practice in worker.practices
            and worker.offers(self.how)
            and self.link_worker in (None, worker.id)
        ]
        speak = [worker for worker in fit if self.is_spoken_by(worker)]
        return speak if speak and not self.interpreter else fit

    def is_spoken_by(self, worker: LinkWorker) -> bool:
        """True if a link worker speaks the person's language, in either form of its code."""
        return any(same_language(self.language, spoken) for spoken in worker.languages)

    def earliest_start(self, worker: LinkWorker, now: datetime) -> datetime:
        """The earliest start of a meeting with this link worker."""
        needs_interpreter = self.interpreter and not self.is_spoken_by(worker)
        return now + (INTERPRETER_NOTICE if needs_interpreter else NOTICE)

    def suits(self, slot: Slot) -> bool:
        """True if time and place suit the person."""
        if slot.practice not in (self.sites or {self.practice}):
            return False
        start = slot.starts_at.astimezone(LONDON)
        if self.not_before is not None and start.date() < self.not_before:
            return False
        last_minute = (slot.starts_at + timedelta(minutes=slot.minutes - 1)).astimezone(LONDON)
        return not ({half_day(start), half_day(last_minute)} & self.cannot_come)


def half_day(local: datetime) -> str:
    """The half day of the week in the contract's words, such as `mon_am`; Saturdays are `sat_am`."""
    weekday = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[local.weekday()]
    return f"{weekday}_{'am' if local.hour < 12 else 'pm'}"
