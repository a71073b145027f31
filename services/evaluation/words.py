"""What the codes are called in figures: plain English, the words of practices and services."""

from collections.abc import Mapping
from typing import Final

from services.evaluation.vocabulary import Answer, LeadTime, Step
from shared.events import vocabulary as v

STEPS: Final[Mapping[Step, str]] = {
    Step.REFERRED: "Referred",
    Step.BOOKED: "Meeting booked",
    Step.MET: "Met their link worker",
    Step.PLANNED: "Plan agreed",
    Step.ACCEPTED: "A service said yes",
    Step.VISITED: "First visit",
}

WAITS: Final[Mapping[str, str]] = {
    "met": "From referral to first meeting",
    "visited": "From referral to first visit",
}

LEAD_TIMES: Final[Mapping[LeadTime, str]] = {
    LeadTime.SAME_DAY: "Same day",
    LeadTime.NEXT_DAY: "Next day",
    LeadTime.WEEK: "2 to 7 days",
    LeadTime.LONGER: "More than a week",
}

NEEDS: Final[Mapping[v.Need, str]] = {
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

UNMET_REASONS: Final[Mapping[v.UnmetReason, str]] = {
    v.UnmetReason.NO_SERVICE: "No such service",
    v.UnmetReason.FULL: "Full",
    v.UnmetReason.TOO_FAR: "Too far away",
    v.UnmetReason.COST: "Cost too much",
    v.UnmetReason.HOURS: "Wrong days or times",
    v.UnmetReason.INELIGIBLE: "Not for people like them",
    v.UnmetReason.ACCESS: "Could not get in or take part",
    v.UnmetReason.DECLINED: "The service said no",
}

ROUTES: Final[Mapping[v.Route, str]] = {
    v.Route.PRACTICE: "GP practice",
    v.Route.HUB: "Community hub",
    v.Route.CARE_NAVIGATOR: "Care navigator",
    v.Route.HOSPITAL: "Hospital",
    v.Route.COUNCIL: "Council",
    v.Route.SELF: "The person themselves",
}

BARRIERS: Final[Mapping[v.Barrier, str]] = {
    v.Barrier.TRANSPORT: "Getting there",
    v.Barrier.COST: "Cost",
    v.Barrier.NERVES: "Nerves",
    v.Barrier.TIMES: "Days or times",
    v.Barrier.HEALTH: "Health",
    v.Barrier.CARING: "Caring for someone",
    v.Barrier.CHANGED_MIND: "Changed their mind",
    v.Barrier.SERVICE: "Something at the service",
}

ANSWERS: Final[Mapping[Answer, str]] = {
    Answer.ACCEPTED: "Yes",
    Answer.WAITING_LIST: "Waiting list",
    Answer.FULL: "Full",
    Answer.NOT_SUITABLE: "Not suitable",
    Answer.SILENT: "No answer yet",
}

ITEMS: Final[Mapping[str, str]] = {
    "satisfied": "Satisfied with life",
    "worthwhile": "Things done are worthwhile",
    "happy": "Happy yesterday",
    "anxious": "Anxious yesterday",
}

PROGRAMME: Final = "The whole programme"
