"""The place of a meeting in words, from its mode: one for every page, slip and message of every service."""

from typing import Final

from shared.contract.events.vocabulary import MeetingMode
from shared.contract.labels.people import PERSON_PLACES, PLACES

AT: Final = "at "


def where(mode: MeetingMode | str, place: str, *, to_person: bool = False) -> str:
    """The place of a meeting as an entry of its own, such as "At their home".

    `place` is the room or building of a meeting face to face; no other mode names it. `to_person`: the person
    reads it ("At your home"), on a slip or in a message. Raises KeyError for a mode that does not exist.
    """
    if mode == MeetingMode.FACE_TO_FACE:
        return place
    return (PERSON_PLACES if to_person else PLACES)[mode]


def at_where(mode: MeetingMode | str, place: str, *, to_person: bool = False) -> str:
    """The same within a sentence, after a day and time: "at their home", "at Meir Primary Care Centre"."""
    said = where(mode, place, to_person=to_person)
    return f"{AT}{said}" if mode == MeetingMode.FACE_TO_FACE else said[:1].lower() + said[1:]
