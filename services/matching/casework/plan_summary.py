"""A plan for the person's GP practice: goals and services with their state, and nothing else. Pure.

No notes, no scores (importance and confidence are scores too), nothing of a sensitive need or service.
"""

from collections.abc import Mapping

from services.matching.directory.feed.model import Service
from shared.contract.api.casework import GoalSummary, PlanSummary, ServiceSummary
from shared.contract.events import vocabulary as v
from shared.contract.history import ReferralHistory


def summary_of(story: ReferralHistory, directory: Mapping[str, Service]) -> PlanSummary | None:
    """The summary; None unless the person agreed to it. `directory`: the services by id."""
    if story.details_to_gp is not v.Agreed.YES or story.erased:
        return None
    goals = story.plan.goals if story.plan else ()
    return PlanSummary(
        goals=tuple(
            GoalSummary(goal.need, goal.words, tuple(action.code for action in goal.actions))
            for goal in goals
            if goal.need is not v.Need.SENSITIVE
        ),
        services=tuple(
            ServiceSummary(service.name, one.prescribed.need, one.status, one.since)
            for one in sorted(story.prescriptions, key=lambda one: one.said.id)
            if (service := directory.get(one.prescribed.service_id)) is not None
            and one.prescribed.need is not v.Need.SENSITIVE
            # The service's name alone may reveal a sensitive need, whichever need it serves this time.
            and not service.sensitive_needs
        ),
    )
