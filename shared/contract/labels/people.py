"""Labels of what is known of a person and of how they were referred."""

from typing import Final

from shared.contract.events import vocabulary as v
from shared.contract.labels.table import Labels, changed, labels

NEEDS: Final[Labels] = labels(
    {
        v.Need.DEBT: "Managing debt",
        v.Need.BENEFITS: "Benefits",
        v.Need.JOB: "Finding a job",
        v.Need.HOUSING: "Housing",
        v.Need.BEFRIENDING: "Befriending and lunch clubs",
        v.Need.EXERCISE: "Leisure and exercise",
        v.Need.OUTDOORS: "Getting outdoors",
        v.Need.GARDENING: "Gardening and animal care",
        v.Need.CRAFT: "Craft groups",
        v.Need.CARING: "Caring for someone",
        v.Need.BEREAVEMENT: "Bereavement",
        v.Need.OTHER: "Something else",
        v.Need.NOT_SURE: "Not sure yet",
        v.Need.SENSITIVE: "A sensitive need",
    }
)

# A printed plan lies on the kitchen table, where others read it too.
PLAN_NEEDS: Final[Labels] = changed(NEEDS, sensitive="Something personal")

SERVICE_NEEDS: Final[Labels] = changed(NEEDS, sensitive="Something they would rather say in person")

# Sensitive needs are chosen one by one, by their own names.
NEEDS_ASKED: Final[Labels] = labels(
    {code: label for code, label in NEEDS.items() if code != v.Need.SENSITIVE}
)

# A plan and a search are for something: by the end of a meeting people are sure.
KNOWN_NEEDS: Final[Labels] = labels({code: label for code, label in NEEDS.items() if code != v.Need.NOT_SURE})

SENSITIVE_NEEDS: Final[Labels] = labels(
    {
        v.SensitiveNeed.ABUSE: "Abuse",
        v.SensitiveNeed.SUBSTANCES: "Alcohol or drugs",
        v.SensitiveNeed.GAMBLING: "Gambling",
        v.SensitiveNeed.OFFENDING: "Offending",
        v.SensitiveNeed.IMMIGRATION: "Immigration",
    }
)

ROUTES: Final[Labels] = labels(
    {
        v.Route.PRACTICE: "GP practice",
        v.Route.HUB: "Community hub",
        v.Route.CARE_NAVIGATOR: "Care navigator",
        v.Route.HOSPITAL: "Hospital",
        v.Route.COUNCIL: "Council",
        v.Route.SELF: "The person themselves",
    }
)

BY_ROUTES: Final[Labels] = labels(
    {
        v.Route.PRACTICE: "their GP practice",
        v.Route.HUB: "the community hub",
        v.Route.CARE_NAVIGATOR: "a care navigator",
        v.Route.HOSPITAL: "the hospital",
        v.Route.COUNCIL: "the council",
        v.Route.SELF: "the person themselves",
    }
)

URGENCY: Final[Labels] = labels(
    {v.Urgency.ROUTINE: "Routine", v.Urgency.SOON: "Soon: within a week if possible"}
)

AGE_BANDS: Final[Labels] = labels(
    {
        v.AgeBand.UNDER_18: "Under 18",
        v.AgeBand.FROM_18: "18 to 24",
        v.AgeBand.FROM_25: "25 to 34",
        v.AgeBand.FROM_35: "35 to 44",
        v.AgeBand.FROM_45: "45 to 54",
        v.AgeBand.FROM_55: "55 to 64",
        v.AgeBand.FROM_65: "65 to 74",
        v.AgeBand.FROM_75: "75 to 84",
        v.AgeBand.FROM_85: "85 and over",
    }
)

SAFE_TO_TEXT: Final[Labels] = labels(
    {
        v.SafeToText.YES: "Yes",
        v.SafeToText.RING: "No, ring",
        v.SafeToText.NOT_KNOWN: "Not known",
    }
)

RISKS: Final[Labels] = labels({v.Risk.NONE_KNOWN: "No known risks", v.Risk.SEE_NOTE: "Yes"})

ACCESS_NEEDS: Final[Labels] = labels(
    {
        v.AccessNeed.STEP_FREE: "Step-free access",
        v.AccessNeed.HEARING: "Help with hearing",
        v.AccessNeed.SIGHT: "Help with sight",
        v.AccessNeed.SPEECH: "Help with speech",
        v.AccessNeed.READING: "Help with reading or writing",
        v.AccessNeed.MEMORY: "Help with memory or concentration",
        v.AccessNeed.CARER_COMES: "A carer comes too",
        v.AccessNeed.HOME_VISIT: "Needs a home visit",
    }
)

_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")

HALF_DAYS: Final[Labels] = labels(
    dict(
        zip(
            v.HalfDay,
            (f"{day} {part}" for day in _WEEKDAYS for part in ("morning", "afternoon")),
            strict=True,
        )
    )
)

AGREED_BY: Final[Labels] = labels(
    {v.AgreedBy.PERSON: "The person", v.AgreedBy.REPRESENTATIVE: "Somebody who acts for them"}
)

AGREED_HOW: Final[Labels] = labels(
    {
        v.AgreedHow.IN_PERSON: "In person",
        v.AgreedHow.PHONE: "By telephone",
        v.AgreedHow.VIDEO: "By video",
        v.AgreedHow.WRITING: "In writing",
    }
)

AGREEMENTS: Final[Labels] = labels(
    {
        v.Agreement.SERVICE: "Sharing name and telephone",
        v.Agreement.DETAILS_TO_GP: "Details to the GP",
        v.Agreement.FOLLOW_UP: "Follow-up questions",
    }
)

AGREED: Final[Labels] = labels({v.Agreed.NOT_ASKED: "Not asked yet", v.Agreed.YES: "Yes", v.Agreed.NO: "No"})

# In the order in which the link worker asks.
AGREED_ASKED: Final[Labels] = labels(
    {code: AGREED[code] for code in (v.Agreed.YES, v.Agreed.NO, v.Agreed.NOT_ASKED)}
)

MODES: Final[Labels] = labels(
    {
        v.MeetingMode.FACE_TO_FACE: "Face to face",
        v.MeetingMode.HOME: "Home visit",
        v.MeetingMode.PHONE: "By telephone",
        v.MeetingMode.VIDEO: "By video call",
    }
)

# The place of a meeting that is not face to face. Face to face it is the room; see `labels.where`.
PLACES: Final[Labels] = labels(
    {
        v.MeetingMode.HOME: "At their home",
        v.MeetingMode.PHONE: "By telephone",
        v.MeetingMode.VIDEO: "By video call",
    }
)

PERSON_PLACES: Final[Labels] = changed(PLACES, home="At your home")

CHANNELS: Final[Labels] = labels(
    {
        v.Channel.PHONE: "Telephone",
        v.Channel.TEXT: "Text",
        v.Channel.EMAIL: "Email",
        v.Channel.LETTER: "Letter",
        v.Channel.VISIT: "Visit",
    }
)

# As the start of a sentence on what the link worker did.
TRIED: Final[Labels] = labels(
    {
        v.Channel.PHONE: "Rang",
        v.Channel.TEXT: "Texted",
        v.Channel.EMAIL: "Emailed",
        v.Channel.LETTER: "Wrote a letter",
        v.Channel.VISIT: "Visited",
    }
)

BY: Final[Labels] = labels(
    {
        v.By.PERSON: "The person",
        v.By.LINK_WORKER: "The link worker",
        v.By.PRACTICE: "The practice",
        v.By.SERVICE: "The service",
        v.By.PROGRAMME: "The programme team",
    }
)

# Roles of those who sign in.
ROLES: Final[Labels] = labels(
    {
        "referrer": "Practice staff",
        "link_worker": "Link worker",
        "manager": "Manager of link workers",
        "provider": "Community service",
        "analyst": "Analyst",
        "programme_admin": "Programme team",
        "guardian": "Caldicott guardian",
        "service": "Service",
        "partner": "Partner",
    }
)
