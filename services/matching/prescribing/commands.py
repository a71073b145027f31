"""Commands on the services of a plan: prescribe, reply, first visit, end. Pure."""

from services.matching.booking.diary import Diaries
from services.matching.calendar import london_day
from services.matching.errors import Refused
from services.matching.prescribing.inputs import Ending, FirstVisit, NoVisit, Prescribing, ServiceReply
from services.matching.referral_state.commands import (
    GOING_ON,
    Command,
    about,
    checked_step,
    open_case,
    prescription_of,
)
from services.matching.referral_state.state import ReferralState
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from shared.contract.events.topics import SourcePart
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext, NewEvent


def prescribe(prescribing: Prescribing) -> Command:
    """Adds a service to the plan, with the person's answer about sharing name and contact, if asked."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
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
                next_step=checked_step(prescribing.next_step, context),
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


def reply(prescription_id: str, said: ServiceReply, part: SourcePart = "casework") -> Command:
    """Records a service's answer, in place of an earlier one. `weeks` None: not known.

    `part` is `directory` if the service answers itself; the same holds for the first visit.
    """
    answer = said.reply
    if answer is v.Reply.NOT_SUITABLE and said.reason is None:
        raise Refused("reason_needed")
    # Fields that belong to another answer are left out.
    weeks = said.weeks if answer is v.Reply.WAITING_LIST else None
    reason = said.reason if answer is v.Reply.NOT_SUITABLE else None

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        one = prescription_of(view, prescription_id)
        if one.prescribed.signposted:
            raise Refused("signposted")
        if (one.reply, one.weeks, one.not_suitable) == (answer, weeks, reason):
            return NOTHING
        return Decision(
            [
                NewEvent(
                    o.ProviderReplied(
                        **about(context),
                        prescription_id=prescription_id,
                        reply=answer,
                        weeks=weeks,
                        reason=reason,
                    ),
                    part=part,
                )
            ]
        )

    return act


def started(prescription_id: str, visit: FirstVisit, part: SourcePart = "casework") -> Command:
    """Records the first visit, on that day."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        created = open_case(view)
        one = prescription_of(view, prescription_id)
        if visit.on > london_day(context.now):
            raise Refused("date_in_future")
        if visit.on < london_day(created.agreement.at):
            raise Refused("date_too_early")
        if one.started_on == visit.on and one.accompanied_by is visit.accompanied_by:
            return NOTHING
        if one.started_on is not None:
            raise Refused("already_started")
        return Decision(
            [
                NewEvent(
                    o.ActivityStarted(
                        **about(context),
                        prescription_id=prescription_id,
                        on=visit.on,
                        accompanied_by=visit.accompanied_by,
                        next_step=checked_step(visit.next_step, context),
                    ),
                    part=part,
                )
            ]
        )

    return act


def not_started(prescription_id: str, visit: NoVisit, part: SourcePart = "casework") -> Command:
    """Records that the first visit did not happen, and the barrier."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        one = prescription_of(view, prescription_id)
        if one.started_on is not None:
            raise Refused("already_started")
        if one.barrier is visit.barrier and visit.next_step is None:
            return NOTHING
        return Decision(
            [
                NewEvent(
                    o.ActivityNotStarted(
                        **about(context),
                        prescription_id=prescription_id,
                        barrier=visit.barrier,
                        next_step=checked_step(visit.next_step, context),
                    ),
                    part=part,
                )
            ]
        )

    return act


def ended(prescription_id: str, ending: Ending) -> Command:
    """Records that the person no longer goes there."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        one = prescription_of(view, prescription_id)
        if one.started_on is None:
            raise Refused("not_started_yet")
        if one.ended is ending.reason:
            return NOTHING
        return Decision(
            [
                o.ActivityEnded(
                    **about(context),
                    prescription_id=prescription_id,
                    reason=ending.reason,
                    next_step=checked_step(ending.next_step, context),
                )
            ]
        )

    return act
