"""The coded words that events may carry. An event holds codes only, never somebody's own words."""

from enum import StrEnum


class Need(StrEnum):
    """Needs for help: the programme's own list, as on the referral form."""

    DEBT = "debt"
    BENEFITS = "benefits"
    JOB = "job"
    HOUSING = "housing"
    BEFRIENDING = "befriending"
    EXERCISE = "exercise"
    OUTDOORS = "outdoors"
    GARDENING = "gardening"
    CRAFT = "craft"
    CARING = "caring"
    BEREAVEMENT = "bereavement"
    OTHER = "other"
    NOT_SURE = "not_sure"
    # Abuse, substances, gambling, offending or immigration: which one stays in the vault.
    SENSITIVE = "sensitive"


class SensitiveNeed(StrEnum):
    """Needs that never appear in an event; kept in the vault under the person's key."""

    ABUSE = "abuse"
    SUBSTANCES = "substances"
    GAMBLING = "gambling"
    OFFENDING = "offending"
    IMMIGRATION = "immigration"


class Route(StrEnum):
    """The way by which the person came to the programme."""

    PRACTICE = "practice"
    HUB = "hub"
    CARE_NAVIGATOR = "care_navigator"
    HOSPITAL = "hospital"
    COUNCIL = "council"
    SELF = "self"


class Urgency(StrEnum):
    """How soon the person is to be met: in the usual time, or within a week if possible."""

    ROUTINE = "routine"
    SOON = "soon"


class AgeBand(StrEnum):
    """The person's age in years."""

    UNDER_18 = "under_18"
    FROM_18 = "18-24"
    FROM_25 = "25-34"
    FROM_35 = "35-44"
    FROM_45 = "45-54"
    FROM_55 = "55-64"
    FROM_65 = "65-74"
    FROM_75 = "75-84"
    FROM_85 = "85+"


class SafeToText(StrEnum):
    """Agreement to messages. Without a yes nothing is sent, letters included."""

    YES = "yes"
    RING = "ring"
    NOT_KNOWN = "not_known"


class Risk(StrEnum):
    """Whether there is a known risk to those who meet the person."""

    NONE_KNOWN = "none_known"
    SEE_NOTE = "see_note"


class AccessNeed(StrEnum):
    """What a person needs to be able to take part."""

    STEP_FREE = "step_free"
    HEARING = "hearing"
    SIGHT = "sight"
    SPEECH = "speech"
    READING = "reading"
    MEMORY = "memory"
    CARER_COMES = "carer_comes"
    HOME_VISIT = "home_visit"


class HalfDay(StrEnum):
    """A half day of the week, for times at which somebody cannot come."""

    MON_AM = "mon_am"
    MON_PM = "mon_pm"
    TUE_AM = "tue_am"
    TUE_PM = "tue_pm"
    WED_AM = "wed_am"
    WED_PM = "wed_pm"
    THU_AM = "thu_am"
    THU_PM = "thu_pm"
    FRI_AM = "fri_am"
    FRI_PM = "fri_pm"


class AgreedBy(StrEnum):
    """The one who agreed to the referral."""

    PERSON = "person"
    REPRESENTATIVE = "representative"


class AgreedHow(StrEnum):
    """The way in which they agreed."""

    IN_PERSON = "in_person"
    PHONE = "phone"
    VIDEO = "video"
    WRITING = "writing"


class MeetingMode(StrEnum):
    """The way in which link worker and person meet."""

    FACE_TO_FACE = "face_to_face"
    HOME = "home"
    PHONE = "phone"
    VIDEO = "video"


class Channel(StrEnum):
    """The way in which the link worker tries to reach the person."""

    PHONE = "phone"
    TEXT = "text"
    EMAIL = "email"
    LETTER = "letter"
    VISIT = "visit"


class WaitingReason(StrEnum):
    """The reason why there is no meeting yet."""

    NO_SLOT = "no_slot"
    NO_LINK_WORKER = "no_link_worker"
    PERSON_NOT_REACHED = "person_not_reached"
    ASKED_LATER = "asked_later"


class By(StrEnum):
    """The person or service that did it."""

    PERSON = "person"
    LINK_WORKER = "link_worker"
    PRACTICE = "practice"
    SERVICE = "service"
    PROGRAMME = "programme"


class CancelReason(StrEnum):
    """The reason for cancelling a meeting."""

    ANOTHER_TIME = "another_time"
    UNWELL = "unwell"
    LINK_WORKER_AWAY = "link_worker_away"
    NO_LONGER_WANTS = "no_longer_wants"
    REFERRAL_ENDED = "referral_ended"
    SLOT_TAKEN = "slot_taken"
    OTHER = "other"


class NextStepCode(StrEnum):
    """The next step of an open referral. Every open one has a step, with a date."""

    MEET = "meet"
    RING = "ring"
    TEXT = "text"
    WAIT_FOR_SLOT = "wait_for_slot"
    WAIT_FOR_SERVICE = "wait_for_service"
    GO_ALONG = "go_along"
    CHECK_FIRST_VISIT = "check_first_visit"
    REVIEW = "review"
    CLOSE = "close"


class ActionCode(StrEnum):
    """One thing to do for a goal."""

    GO_TO_SERVICE = "go_to_service"
    MAKE_CONTACT = "make_contact"
    FILL_IN_FORM = "fill_in_form"
    GATHER_PAPERS = "gather_papers"
    PRACTISE_JOURNEY = "practise_journey"
    DO_DAILY = "do_daily"
    OTHER = "other"


class Reply(StrEnum):
    """The reply of a community service."""

    ACCEPTED = "accepted"
    WAITING_LIST = "waiting_list"
    FULL = "full"
    NOT_SUITABLE = "not_suitable"


class NotSuitableReason(StrEnum):
    """The reason why a service does not suit the person."""

    AGE = "age"
    AREA = "area"
    NEED = "need"
    ACCESS = "access"
    SAFETY = "safety"
    CLOSED = "closed"
    OTHER = "other"


class AccompaniedBy(StrEnum):
    """The one who went along to the first visit."""

    NOBODY = "nobody"
    LINK_WORKER = "link_worker"
    VOLUNTEER = "volunteer"
    FAMILY_OR_FRIEND = "family_or_friend"
    NOT_KNOWN = "not_known"


class Barrier(StrEnum):
    """The reason why a first visit did not happen."""

    TRANSPORT = "transport"
    COST = "cost"
    NERVES = "nerves"
    TIMES = "times"
    HEALTH = "health"
    CARING = "caring"
    CHANGED_MIND = "changed_mind"
    SERVICE = "service"


class EndReason(StrEnum):
    """The reason why the visits to a service ended."""

    COMPLETED = "completed"
    LEFT = "left"
    MOVED = "moved"
    HEALTH = "health"
    SERVICE_ENDED = "service_ended"
    OTHER = "other"


class Instrument(StrEnum):
    ONS4 = "ons4"
    DIRECT_LONELINESS = "direct_loneliness"
    UCLA3 = "ucla3"
    PHQ9 = "phq9"
    GAD7 = "gad7"
    SWEMWBS = "swemwbs"


class Stage(StrEnum):
    """The stage of the person's way at which a questionnaire was answered."""

    BEFORE = "before"
    REVIEW = "review"
    AFTER = "after"


class UnmetReason(StrEnum):
    """The reason why the community has nothing for a need."""

    NO_SERVICE = "no_service"
    FULL = "full"
    TOO_FAR = "too_far"
    COST = "cost"
    HOURS = "hours"
    INELIGIBLE = "ineligible"
    ACCESS = "access"
    DECLINED = "declined"


class Agreement(StrEnum):
    """The agreements that the link worker asks for; being referred is asked on the form."""

    SERVICE = "service"
    DETAILS_TO_GP = "details_to_gp"
    FOLLOW_UP = "follow_up"


class Agreed(StrEnum):
    NOT_ASKED = "not_asked"
    YES = "yes"
    NO = "no"


class DeclineReason(StrEnum):
    """The reason for declining a referral."""

    DOES_NOT_WANT = "does_not_want"
    NOT_REACHED = "not_reached"
    NEEDS_OTHER_CARE = "needs_other_care"
    OUTSIDE_PROGRAMME = "outside_programme"
    DUPLICATE = "duplicate"
    OTHER = "other"


class ReturnReason(StrEnum):
    """The reason for sending a referral back to the practice."""

    MORE_DETAIL = "more_detail"
    WRONG_PLACE = "wrong_place"
    NEEDS_OTHER_CARE = "needs_other_care"


class WithdrawReason(StrEnum):
    """The reason for taking a referral back."""

    PERSON_ASKED = "person_asked"
    MADE_IN_ERROR = "made_in_error"
    MOVED_AWAY = "moved_away"
    DIED = "died"
    OTHER = "other"


class CloseReason(StrEnum):
    """The reason for ending the link worker's work."""

    COMPLETED = "completed"
    NO_LONGER_WANTS = "no_longer_wants"
    NOT_REACHED = "not_reached"
    MOVED_AWAY = "moved_away"
    DIED = "died"
    NOTHING_SUITABLE = "nothing_suitable"
    OTHER = "other"


class RetractReason(StrEnum):
    """The reason for taking a fact back."""

    ENTERED_IN_ERROR = "entered_in_error"
    UNDONE = "undone"
    WRONG_PERSON = "wrong_person"
