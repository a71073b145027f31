"""A time in a diary that a meeting may have."""

from dataclasses import dataclass
from datetime import datetime

from shared.contract.events import vocabulary as v


@dataclass(frozen=True, slots=True)
class Slot:
    """A time in a link worker's diary. Forms carry its `key` and return it to `another_time`.

    `place`: the place in words: the room if face to face, otherwise the mode.
    """

    link_worker: str
    practice: str
    place: str
    starts_at: datetime
    minutes: int
    mode: v.MeetingMode = v.MeetingMode.FACE_TO_FACE

    @property
    def key(self) -> str:
        """The name of the slot: link worker and start in UTC."""
        return f"{self.link_worker}|{self.starts_at.strftime('%Y-%m-%dT%H:%MZ')}"
