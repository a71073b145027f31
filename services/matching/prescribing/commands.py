"""What people do about the services of a plan: added, answered, first visit or not, ended. Pure."""

from datetime import date

from services.matching.booking.diary import Diaries
from services.matching.calendar import london_day
from services.matching.errors import Refused
from services.matching.referral_state.commands import (
    GOING_ON,
    Act,
    about,
    checked_step,
    open_case,
    prescription_of,
)
from services.matching.referral_state.state import View
from services.matching.request import Prescribing
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from shared.contract.events.outcomes import NextStep
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext


def prescribe(prescribing: Prescribing, next_step: NextStep | None) -> Act:
    """Adds a service to the plan; whether it may have name and contact is said with it, if asked."""

    def act(view: View, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        if any(
            p.prescribed.service_id == prescribing.service_id and p.status in GOING_ON
            for p in view.story.prescriptions
        ):
            raise Refused("already_in_plan")
        today = london_day(context.now)
        if any(
            one.need is prescribing.need
            and one.reason is v.UnmetReason.NO_SERVICE
            and london_day(said.recorded) == today
            for one, said in view.story.unmet
        ):
            raise Refused("no_service_said")
        prescription_id = context.new_id()
        said: list[EventBody] = [
            o.ServicePrescribed(
                **about(context),
                prescription_id=prescription_id,
                service_id=prescribing.service_id,
                need=prescribing.need,
                signposted=prescribing.signposted,
                next_step=checked_step(next_step, context),
            )
        ]
        if prescribing.may_share is not v.Agreed.NOT_ASKED:
            said.append(
                o.SharingChanged(
                    **about(context),
                    agreement=v.Agreement.SERVICE,
                    agreed=prescribing.may_share,
                    prescription_id=prescription_id,
                )
            )
        return Decision(said)

    return act


def reply(
    prescription_id: str, answer: v.Reply, weeks: int | None, reason: v.NotSuitableReason | None
) -> Act:
    """A service's answer; a further one takes the place of the earlier. `weeks` None: not known."""
    if answer is v.Reply.NOT_SUITABLE and reason is None:
        raise Refused("reason_needed")
    # What does not belong to the answer is left out.
    weeks = weeks if answer is v.Reply.WAITING_LIST else None
    reason = reason if answer is v.Reply.NOT_SUITABLE else None

    def act(view: View, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        one = prescription_of(view, prescription_id)
        if one.prescribed.signposted:
            raise Refused("signposted")
        if (one.reply, one.weeks, one.not_suitable) == (answer, weeks, reason):
            return NOTHING
        return Decision(
            [
                o.ProviderReplied(
                    **about(context),
                    prescription_id=prescription_id,
                    reply=answer,
                    weeks=weeks,
                    reason=reason,
                )
            ]
        )

    return act


def started(
    prescription_id: str, on: date, accompanied_by: v.AccompaniedBy, next_step: NextStep | None
) -> Act:
    """The first visit happened, on that day."""

    def act(view: View, _: Diaries, context: DecisionContext) -> Decision:
        created = open_case(view)
        one = prescription_of(view, prescription_id)
        if on > london_day(context.now):
            raise Refused("date_in_future")
        if on < london_day(created.agreement.at):
            raise Refused("date_too_early")
        if one.started_on == on and one.accompanied_by is accompanied_by:
            return NOTHING
        if one.started_on is not None:
            raise Refused("already_started")
        return Decision(
            [
                o.ActivityStarted(
                    **about(context),
                    prescription_id=prescription_id,
                    on=on,
                    accompanied_by=accompanied_by,
                    next_step=checked_step(next_step, context),
                )
            ]
        )

    return act


def not_started(prescription_id: str, barrier: v.Barrier, next_step: NextStep | None) -> Act:
    """The first visit did not happen; what stopped it."""

    def act(view: View, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        one = prescription_of(view, prescription_id)
        if one.started_on is not None:
            raise Refused("already_started")
        if one.barrier is barrier and next_step is None:
            return NOTHING
        return Decision(
            [
                o.ActivityNotStarted(
                    **about(context),
                    prescription_id=prescription_id,
                    barrier=barrier,
                    next_step=checked_step(next_step, context),
                )
            ]
        )

    return act


def ended(prescription_id: str, reason: v.EndReason, next_step: NextStep | None) -> Act:
    """The person goes there no longer."""

    def act(view: View, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        one = prescription_of(view, prescription_id)
        if one.started_on is None:
            raise Refused("not_started_yet")
        if one.ended is reason:
            return NOTHING
        return Decision(
            [
                o.ActivityEnded(
                    **about(context),
                    prescription_id=prescription_id,
                    reason=reason,
                    next_step=checked_step(next_step, context),
                )
            ]
        )

    return act
