"""Labels of what is counted: the codes of figures that are no codes of events."""

from typing import Final

from shared.contract.labels.table import Labels, labels

# Steps of the journey, as people who have come so far.
STEPS: Final[Labels] = labels(
    {
        "referred": "Referred",
        "booked": "Appointment booked",
        "met": "Met the link worker",
        "planned": "Plan agreed",
        "accepted": "A service said yes",
        "visited": "First visit made",
    }
)

WAITS: Final[Labels] = labels(
    {"met": "From referral to first appointment", "visited": "From referral to first visit"}
)

# Days from booking an appointment to holding it.
LEAD_TIMES: Final[Labels] = labels(
    {"same_day": "Same day", "next_day": "Next day", "week": "2 to 7 days", "longer": "More than a week"}
)

# The four questions of the Office for National Statistics.
ITEMS: Final[Labels] = labels(
    {
        "satisfied": "Satisfied with life",
        "worthwhile": "Things done are worthwhile",
        "happy": "Happy yesterday",
        "anxious": "Anxious yesterday",
    }
)
