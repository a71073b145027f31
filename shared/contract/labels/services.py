"""Labels of services: what they answer, how a person gets on with one, and what the directory says of one."""

from typing import Final

from shared.contract.events import vocabulary as v
from shared.contract.labels.table import Labels, labels

REPLIES: Final[Labels] = labels(
    {
        v.Reply.ACCEPTED: "Yes",
        v.Reply.WAITING_LIST: "Waiting list",
        v.Reply.FULL: "Full",
        v.Reply.NOT_SUITABLE: "Not suitable",
    }
)

# With those that have not answered.
ANSWERS: Final[Labels] = labels({**REPLIES, "silent": "No answer yet"})

# As the link worker records what the service said.
REPLIES_ASKED: Final[Labels] = labels(
    {
        v.Reply.ACCEPTED: "Yes, they can help",
        v.Reply.WAITING_LIST: "There is a waiting list",
        v.Reply.FULL: "They are full",
        v.Reply.NOT_SUITABLE: "Not suitable for them",
    }
)

SERVICE_REPLIES: Final[Labels] = labels(
    {
        v.Reply.ACCEPTED: "You said yes",
        v.Reply.WAITING_LIST: "You have a waiting list",
        v.Reply.FULL: "You are full",
        v.Reply.NOT_SUITABLE: "You said not suitable",
    }
)

# Without the service's name: it says what a person needs.
PRACTICE_REPLIES: Final[Labels] = labels(
    {
        v.Reply.ACCEPTED: "A service said yes",
        v.Reply.WAITING_LIST: "A service has a waiting list",
        v.Reply.FULL: "A service is full",
        v.Reply.NOT_SUITABLE: "A service said not suitable",
    }
)

# The statuses of one service in a plan.
PRESCRIPTIONS: Final[Labels] = labels(
    {
        "asked": "Asked, no answer yet",
        "signposted": "Details given",
        "accepted": "Service said yes",
        "waiting_list": "On a waiting list",
        "full": "Service is full",
        "not_suitable": "Service said not suitable",
        "started": "First visit made",
        "not_started": "First visit did not happen",
        "ended": "Ended",
    }
)

# Beside the word, never instead of it; every other status is grey.
PRESCRIPTION_COLOURS: Final[Labels] = labels(
    {
        "asked": "blue",
        "signposted": "white",
        "accepted": "aqua-green",
        "waiting_list": "yellow",
        "full": "red",
        "not_suitable": "red",
        "started": "green",
        "not_started": "orange",
    }
)

# Nothing stands there of a service that cannot take them: the link worker tells them.
PLAN_PRESCRIPTIONS: Final[Labels] = labels(
    {
        "asked": "We have asked them, and tell you what they say",
        "signposted": "You get in touch with them yourself",
        "accepted": "They have said yes",
        "waiting_list": "You are on their waiting list",
        "full": "",
        "not_suitable": "",
        "started": "You have been there",
        "not_started": "You have not been there yet",
        "ended": "",
    }
)

NOT_SUITABLE: Final[Labels] = labels(
    {
        v.NotSuitableReason.AGE: "Age",
        v.NotSuitableReason.AREA: "They live too far away",
        v.NotSuitableReason.NEED: "The service does not help with this",
        v.NotSuitableReason.ACCESS: "The place is not accessible to them",
        v.NotSuitableReason.SAFETY: "Safety",
        v.NotSuitableReason.CLOSED: "The service has closed or is closing",
        v.NotSuitableReason.OTHER: "Another reason",
    }
)

SERVICE_NOT_SUITABLE: Final[Labels] = labels(
    {
        v.NotSuitableReason.AGE: "Age",
        v.NotSuitableReason.AREA: "They live too far away",
        v.NotSuitableReason.NEED: "We do not help with this",
        v.NotSuitableReason.ACCESS: "Our place is not accessible to them",
        v.NotSuitableReason.SAFETY: "Safety",
        v.NotSuitableReason.CLOSED: "We have closed or are closing",
        v.NotSuitableReason.OTHER: "Another reason",
    }
)

# The last is the person's own choice, never the service's.
UNMET: Final[Labels] = labels(
    {
        v.UnmetReason.NO_SERVICE: "There is no such service",
        v.UnmetReason.FULL: "Full",
        v.UnmetReason.TOO_FAR: "Too far away",
        v.UnmetReason.COST: "Costs too much",
        v.UnmetReason.HOURS: "Wrong days or times",
        v.UnmetReason.INELIGIBLE: "Not open to people like them",
        v.UnmetReason.ACCESS: "Not accessible to them",
        v.UnmetReason.DECLINED: "They did not want what there is",
    }
)

ACCOMPANIED: Final[Labels] = labels(
    {
        v.AccompaniedBy.NOBODY: "Nobody",
        v.AccompaniedBy.LINK_WORKER: "Link worker",
        v.AccompaniedBy.VOLUNTEER: "Volunteer",
        v.AccompaniedBy.FAMILY_OR_FRIEND: "Family or friend",
        v.AccompaniedBy.NOT_KNOWN: "Not known",
    }
)

BARRIERS: Final[Labels] = labels(
    {
        v.Barrier.TRANSPORT: "Getting there",
        v.Barrier.COST: "Cost",
        v.Barrier.NERVES: "Nerves",
        v.Barrier.TIMES: "Days or times",
        v.Barrier.HEALTH: "Health",
        v.Barrier.CARING: "Caring for someone",
        v.Barrier.CHANGED_MIND: "Changed their mind",
        v.Barrier.SERVICE: "Something at the service",
    }
)

ENDED: Final[Labels] = labels(
    {
        v.EndReason.COMPLETED: "Completed",
        v.EndReason.LEFT: "They stopped going",
        v.EndReason.MOVED: "They moved away",
        v.EndReason.HEALTH: "Health",
        v.EndReason.SERVICE_ENDED: "The service ended",
        v.EndReason.OTHER: "Another reason",
    }
)

ACTIONS: Final[Labels] = labels(
    {
        v.ActionCode.GO_TO_SERVICE: "Go to the service",
        v.ActionCode.MAKE_CONTACT: "Get in touch",
        v.ActionCode.FILL_IN_FORM: "Fill in a form",
        v.ActionCode.GATHER_PAPERS: "Gather papers",
        v.ActionCode.PRACTISE_JOURNEY: "Practise the journey",
        v.ActionCode.DO_DAILY: "Do something every day",
        v.ActionCode.OTHER: "Something else",
    }
)

CAPACITY: Final[Labels] = labels(
    {
        "capacity": "Takes people now",
        "no-capacity": "Full",
        "waitlist": "Has a waiting list",
        "additional-assessment-required": "Meets people first, then decides",
    }
)

LISTING_FAULTS: Final[Labels] = labels(
    {
        "closed": "It has closed or is closing",
        "contact": "The telephone number or email is wrong",
        "times": "The days or times are wrong",
        "place": "The place is wrong",
        "cost": "The cost is wrong",
        "other": "Something else",
    }
)

# As administrators see a service's mailbox.
MAILBOXES: Final[Labels] = labels(
    {
        "no_mailbox": "None in the feed",
        "not_asked": "Not asked yet",
        "asked": "Not confirmed yet, asked",
        "confirmed": "Confirmed",
    }
)
