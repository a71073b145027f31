"""Booking's operations: other times and the choice of one, confirmed, later, cancelled, place, capacity."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.api.operation import BASE, COMMAND_MS, Operation, Parameter
from shared.contract.api.referral import REFERRAL_EXAMPLE, Subject
from shared.contract.events import vocabulary as v
from shared.contract.events.models import Day, LinkWorkerId, LocalitySlug, Moment, OdsCode, Ref
from shared.contract.events.topics import SourcePart

_BASE: Final = f"{BASE}/booking"
READS_MEETINGS: Final = "meetings:read"
WRITES_MEETINGS: Final = "meetings:write"
READS_CAPACITY: Final = "capacity:read"

# The owner's own name for a time. Callers give it back as it is.
TimeKey = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$")]
Count = Annotated[int, Field(ge=1, le=20)]
Weeks = Annotated[int, Field(ge=1, le=8)]


class TimeOffered(BaseModel):
    """A free time that suits the referral. `key` is the `slot` of `another-time` and `book`."""

    key: TimeKey
    link_worker: LinkWorkerId
    practice: OdsCode
    place: Annotated[str, Field(description="In words: the room, or the mode if not face to face.")]
    starts_at: Moment
    minutes: Annotated[int, Field(ge=5, le=240)]
    mode: v.MeetingMode


class TimesOffered(BaseModel):
    """Suitable times, the earliest first."""

    options: list[TimeOffered]


class MeetingCommand(BaseModel):
    """Every command on a meeting. The caller has checked that its user may do this."""

    model_config = ConfigDict(extra="forbid")

    locality: LocalitySlug
    on_behalf_of: Annotated[Subject, Field(description="The subject of the user's token; never a name.")]


class ChooseTime(MeetingCommand):
    """The time that a person chose."""

    slot: TimeKey | None = Field(None, description="A key from `options`; left out: the next suitable time.")


class Defer(MeetingCommand):
    """The day before which the person does not want to meet."""

    on: Day


class CancelMeeting(MeetingCommand):
    """The cancellation of a meeting: by whom, and why."""

    by: v.By
    why: v.CancelReason


class StandingMeeting(BaseModel):
    """The meeting that stands."""

    meeting_id: Ref
    link_worker: LinkWorkerId
    practice: OdsCode
    place: Annotated[str, Field(description="In words: the room, or the mode if not face to face.")]
    starts_at: Moment
    minutes: Annotated[int, Field(ge=5, le=240)]
    mode: v.MeetingMode
    provisional: bool
    sequence: Annotated[int, Field(ge=0)]


class ReferralMeeting(BaseModel):
    """A referral after a command: its meeting, or the reason why there is none."""

    referral_id: Ref
    meeting: StandingMeeting | None
    waiting: v.WaitingReason | None = None
    expected_by: Day | None = None


class MeetingPlace(BaseModel):
    """The place of a meeting, in words for a visitor."""

    meeting_id: Ref
    practice: OdsCode
    place: Annotated[str, Field(description="In words: the room, or the mode if not face to face.")]
    mode: v.MeetingMode


class WeekCapacity(BaseModel):
    """Meeting times of a week, of all link workers together, that begin after now. No person is counted."""

    week: Annotated[Day, Field(description="The Monday.")]
    times: Annotated[int, Field(ge=0, description="Times within hours, without leave and bank holidays.")]
    free: Annotated[int, Field(ge=0, description="Times that no meeting holds.")]


class PracticeCapacity(BaseModel):
    """The first day with a free time for a practice's people; null for none within the weeks asked for."""

    practice: OdsCode
    first_free: Day | None


class DiaryCapacity(BaseModel):
    """The capacity of a locality's diaries."""

    locality: LocalitySlug
    weeks: list[WeekCapacity]
    practices: list[PracticeCapacity]


_MEETING: Final = "01938f1c-3c4d-7e5f-8a60-7c8d9e0f1a2b"
_ASKS: Final[frozenset[SourcePart]] = frozenset({"referral", "casework"})
_OF_MEETING: Final = Parameter("meeting_id", "path", Ref, "The meeting that stands.", _MEETING)
_OF_REFERRAL: Final = Parameter("referral_id", "path", Ref, "The referral.", REFERRAL_EXAMPLE)
_HERE: Final = Parameter("locality", "query", LocalitySlug, "The referral's locality.", "meir")
_COUNT: Final = Parameter("count", "query", Count, "How many times at most.", 3, required=False)
_WHO: Final = {"locality": "meir", "on_behalf_of": "referrer-m83100"}
_TIME: Final[dict[str, Any]] = {
    "link_worker": "lw-meir-1",
    "practice": "M83100",
    "place": "Meir Primary Care Centre, room 4",
    "starts_at": "2026-12-01T09:45:00Z",
    "minutes": 45,
    "mode": "face_to_face",
}
_KEY: Final = "lw-meir-1|2026-12-01T09:45Z"
_STANDING: Final[dict[str, Any]] = {
    "referral_id": REFERRAL_EXAMPLE,
    "meeting": {"meeting_id": _MEETING, **_TIME, "provisional": False, "sequence": 1},
    "waiting": None,
    "expected_by": None,
}
_WAITS: Final[dict[str, Any]] = {
    "referral_id": REFERRAL_EXAMPLE,
    "meeting": None,
    "waiting": "asked_later",
    "expected_by": "2027-01-11",
}
_ENDED: Final = ("unknown_case", "case_ended", "case_erased")
_STANDS: Final = (*_ENDED, "unknown_meeting", "meeting_not_standing", "meeting_over")
_NO_TIME: Final = ("slot_taken", "no_other_time")


def _look_up(name: str, path: str, words: str, of: Parameter, problems: tuple[str, ...]) -> Operation:
    return Operation(
        name=name,
        owner="booking",
        callers=_ASKS,
        method="GET",
        path=f"{_BASE}{path}",
        words=words,
        scopes=(READS_MEETINGS,),
        parameters=(of, _HERE, _COUNT),
        answer=TimesOffered,
        answer_example={"options": [{"key": _KEY, **_TIME}]},
        problems=problems,
    )


def _command(
    name: str,
    path: str,
    words: str,
    of: Parameter,
    body: type[MeetingCommand],
    given: dict[str, Any],
    problems: tuple[str, ...],
    answer: dict[str, Any] = _STANDING,
) -> Operation:
    return Operation(
        name=name,
        owner="booking",
        callers=_ASKS,
        method="POST",
        path=f"{_BASE}{path}",
        words=words,
        scopes=(WRITES_MEETINGS,),
        parameters=(of,),
        body=body,
        body_example={**_WHO, **given},
        answer=ReferralMeeting,
        answer_example=answer,
        problems=(*problems, "idempotency_key", "next_step_needed"),
        repeats="key",
        limit_ms=COMMAND_MS,
    )


OPTIONS: Final = _look_up(
    "listOtherTimes",
    "/meetings/{meeting_id}/options",
    "Other suitable times for a booked meeting, earliest first.",
    _OF_MEETING,
    ("unknown_case", "case_ended", "meeting_not_standing"),
)
OPTIONS_OF_REFERRAL: Final = _look_up(
    "listTimes",
    "/referrals/{referral_id}/options",
    "Suitable times for a referral without a meeting, earliest first.",
    _OF_REFERRAL,
    ("unknown_case", "case_ended"),
)
ANOTHER_TIME: Final = _command(
    "chooseAnotherTime",
    "/meetings/{meeting_id}/another-time",
    "Moves a meeting. The new one has an id of its own, the next sequence, and `replaces` the old.",
    _OF_MEETING,
    ChooseTime,
    {"slot": _KEY},
    (*_STANDS, *_NO_TIME),
)
CONFIRMED: Final = _command(
    "confirmMeeting",
    "/meetings/{meeting_id}/confirmed",
    "The person agrees to the provisional time: the same meeting, no longer provisional.",
    _OF_MEETING,
    MeetingCommand,
    {},
    _STANDS,
)
CANCELLED: Final = _command(
    "cancelMeeting",
    "/meetings/{meeting_id}/cancelled",
    "Cancels the meeting. The owner books the next suitable time, or gives a reason for none.",
    _OF_MEETING,
    CancelMeeting,
    {"by": "person", "why": "unwell"},
    (*_STANDS, "not_yours_to_say"),
)
LATER: Final = _command(
    "deferMeeting",
    "/referrals/{referral_id}/later",
    "Cancels a booked meeting, and books none before that day.",
    _OF_REFERRAL,
    Defer,
    {"on": "2027-01-11"},
    (*_ENDED, "already_met", "later_date"),
    _WAITS,
)
BOOK: Final = _command(
    "bookMeeting",
    "/referrals/{referral_id}/book",
    "Books a meeting where none stands: after two misses, after waiting, or a further one.",
    _OF_REFERRAL,
    ChooseTime,
    {"slot": _KEY},
    (*_ENDED, "already_booked", *_NO_TIME),
)
PLACE: Final = Operation(
    name="readPlace",
    owner="booking",
    callers=frozenset({"referral", "casework", "notifications"}),
    method="GET",
    path=f"{_BASE}/meetings/{{meeting_id}}/place",
    words="The place of a meeting in words. Without an answer, a page names the practice's building.",
    scopes=(READS_MEETINGS,),
    parameters=(Parameter("meeting_id", "path", Ref, "Any meeting.", _MEETING), _HERE),
    answer=MeetingPlace,
    answer_example={
        "meeting_id": _MEETING,
        "practice": "M83100",
        "place": "Meir Primary Care Centre, room 4",
        "mode": "face_to_face",
    },
    problems=("unknown_case",),
)
CAPACITY: Final = Operation(
    name="readCapacity",
    owner="booking",
    callers=frozenset({"evaluation"}),
    method="GET",
    path=f"{_BASE}/capacity",
    words="Meeting times and free times by week, and the first free day of each practice.",
    scopes=(READS_CAPACITY,),
    parameters=(
        _HERE,
        Parameter("weeks", "query", Weeks, "How many weeks, from this one on.", 2, required=False),
    ),
    answer=DiaryCapacity,
    answer_example={
        "locality": "meir",
        "weeks": [
            {"week": "2026-11-30", "times": 40, "free": 7},
            {"week": "2026-12-07", "times": 40, "free": 31},
        ],
        "practices": [{"practice": "M83100", "first_free": "2026-12-01"}],
    },
    owners_only=False,
)

BOOKING: Final = (
    OPTIONS,
    ANOTHER_TIME,
    CONFIRMED,
    CANCELLED,
    OPTIONS_OF_REFERRAL,
    LATER,
    BOOK,
    PLACE,
    CAPACITY,
)
