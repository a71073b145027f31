"""One function says where a meeting is; no page, slip or message sends a home visit to the surgery."""

import pytest

from shared.contract.events.vocabulary import MeetingMode
from shared.contract.labels import at_where, where

ROOM = "Meir Primary Care Centre, room 4"


@pytest.mark.parametrize(
    ("mode", "staff", "person"),
    [
        (MeetingMode.FACE_TO_FACE, ROOM, ROOM),
        (MeetingMode.HOME, "At their home", "At your home"),
        (MeetingMode.PHONE, "By telephone", "By telephone"),
        (MeetingMode.VIDEO, "By video call", "By video call"),
    ],
)
def test_where_follows_the_mode(mode: MeetingMode, staff: str, person: str) -> None:
    assert where(mode, ROOM) == where(mode.value, ROOM) == staff
    assert where(mode, ROOM, to_person=True) == person


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        (MeetingMode.FACE_TO_FACE, f"at {ROOM}"),
        (MeetingMode.HOME, "at your home"),
        (MeetingMode.PHONE, "by telephone"),
        (MeetingMode.VIDEO, "by video call"),
    ],
)
def test_at_where_fits_into_a_sentence(mode: MeetingMode, said: str) -> None:
    assert at_where(mode, ROOM, to_person=True) == said


def test_where_refuses_an_unknown_mode() -> None:
    with pytest.raises(KeyError):
        where("carrier_pigeon", ROOM)
