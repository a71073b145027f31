"""A time in a diary that a meeting may have."""

from dataclasses import dataclass
from datetime import datetime

from shared.contract.events import vocabulary as v


@dataclass(frozen=True, slots=True)
class Slot:
    """A time in a link worker's diary. `key` goes through forms and comes back to `another_time`.

    `place`: where they meet, in words, from the mode; a room face to face.
    """

    link_worker: str
    practice: str
    place: str
    starts_at: datetime
    minutes: int
    mode: v.MeetingMode = v.MeetingMode.FACE_TO_FACE

    @property
    def key(self) -> str:
        return f"{self.link_worker}|{self.starts_at.strftime('%Y-%m-%dT%H:%MZ')}"
