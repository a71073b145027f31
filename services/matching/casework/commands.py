"""Commands on a case: plan, contact, agreement, end, reopen. Pure; `diaries` change in place."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.matching.booking.commands import asked_to_wait, came, chosen
from services.matching.booking.diary import Diaries
from services.matching.booking.policy import book
from services.matching.calendar import london_day
from services.matching.casework.inputs import (
    Closure,
    Contact,
    Decline,
    MeetingRecord,
    Reopen,
    Return,
    UnmetNeed,
)
from services.matching.casework.questionnaires import stage_now
from services.matching.errors import Refused
from services.matching.prescribing.inputs import SharingAnswer
from services.matching.referral_state.commands import (
    GOING_ON,
    Command,
    about,
    checked_step,
    meeting_of,
    open_case,
)
from services.matching.referral_state.state import ReferralState
from services.matching.referral_state.undo import taken_back
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from shared.contract.events.outcomes import NextStep
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext, NewEvent


@dataclass(frozen=True, slots=True)
class NoteIds:
    """Ids of a record's texts in the vault. `goals`: by the goal's place in the record."""

    what_matters: str | None = None
    note: str | None = None
    goals: Mapping[int, str] = field(default_factory=dict)


def plan(record: MeetingRecord, notes: NoteIds, meeting_id: str | None) -> Command:
    """Records a meeting and its plan in one command."""

    def act(view: ReferralState, diaries: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        said: list[NewEvent | EventBody] = []
        if meeting_id is not None and meeting_of(view, meeting_id).status != "attended":
            present = came(view, meeting_id, context)
            said += [present] if present else []
        said.append(_plan_agreed(view, context, record, notes))
        if record.ons4:
            said.append(
                o.Measured(
                    **about(context),
                    instrument=v.Instrument.ONS4,
                    stage=record.ons4_stage
                    or stage_now(view.story, record.next_step, london_day(context.now)),
                    on=london_day(context.now),
                    scores=dict(record.ons4),
                )
            )
        for agreement, agreed in (
            (v.Agreement.DETAILS_TO_GP, record.details_to_gp),
            (v.Agreement.FOLLOW_UP, record.follow_up),
        ):
            if agreed is not v.Agreed.NOT_ASKED:
                said += _sharing(view, context, SharingAnswer(agreement, agreed))
        return Decision(said)

    return act


def _plan_agreed(
    view: ReferralState, context: DecisionContext, record: MeetingRecord, notes: NoteIds
) -> o.PlanAgreed:
    earlier = view.story.plan
    goals = tuple(
        o.Goal(
            goal_id=context.new_id(),
            need=goal.need,
            importance=goal.importance,
            confidence=goal.confidence,
            words=notes.goals.get(place),
            actions=(o.Action(code=goal.action, review_on=goal.review_on),) if goal.action else (),
        )
        for place, goal in enumerate(record.goals)
    )
    return o.PlanAgreed(
        **about(context),
        plan_id=earlier.plan_id if earlier else context.new_id(),
        revision=min(earlier.revision + 1, 1000) if earlier else 1,
        needs=record.needs,
        goals=goals,
        what_matters=notes.what_matters or (earlier.what_matters if earlier else None),
        note=notes.note,
        next_step=checked_step(record.next_step, context),
    )


def contact(contact: Contact, note: str | None) -> Command:
    """Records a call or message to the person."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        step = checked_step(contact.next_step, context)
        return Decision(
            [
                o.ContactAttempted(
                    **about(context),
                    channel=contact.channel,
                    reached=contact.reached,
                    note=note,
                    next_step=step,
                )
            ]
        )

    return act


def unmet(unmet: UnmetNeed) -> Command:
    """Records a need for which nothing is suitable.

    Refuses "no service exists" if the plan has one for it.
    """

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        if unmet.reason is v.UnmetReason.NO_SERVICE and any(
            one.prescribed.need is unmet.need and one.status in GOING_ON for one in view.story.prescriptions
        ):
            raise Refused("service_in_plan")
        step = checked_step(unmet.next_step, context)
        return Decision([o.NeedUnmet(**about(context), need=unmet.need, reason=unmet.reason, next_step=step)])

    return act


def say_step(step: NextStep, note: str | None, link_worker: str | None) -> Command:
    """States the next step, on the plan if there is one, else with the case's link worker."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        checked = checked_step(step, context)
        plan, whose = view.story.plan, view.story.link_worker or link_worker
        if plan is not None:
            anew = {"revision": min(plan.revision + 1, 1000), "next_step": checked, "note": note}
            return Decision([plan.model_copy(update=anew)])
        if whose is None:
            raise Refused("unknown_link_worker")
        return Decision(
            [o.LinkWorkerChanged(**about(context), link_worker=whose, next_step=checked, note=note)]
        )

    return act


def sharing(answer: SharingAnswer) -> Command:
    """Records an answer to one of the questions about sharing, in place of the earlier answer."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        if answer.prescription_id is not None and all(
            p.prescribed.prescription_id != answer.prescription_id for p in view.story.prescriptions
        ):
            raise Refused("unknown_prescription")
        return Decision(_sharing(view, context, answer))

    return act


def _sharing(
    view: ReferralState,
    context: DecisionContext,
    answer: SharingAnswer,
) -> list[NewEvent | EventBody]:
    agreement, agreed, prescription_id = answer.agreement, answer.agreed, answer.prescription_id
    # The fold reads contradicting answers as no, so the earlier one is retracted first.
    standing = [
        (fact, fact.body.agreed)
        for fact in view.facts
        if isinstance(fact.body, o.SharingChanged)
        and (fact.body.agreement, fact.body.prescription_id) == (agreement, prescription_id)
        and fact.key not in view.retracted
    ]
    said: list[NewEvent | EventBody] = [
        taken_back(context, fact, v.RetractReason.UNDONE) for fact, before in standing if before is not agreed
    ]
    if agreed is not v.Agreed.NOT_ASKED and all(before is not agreed for _, before in standing):
        said.append(
            o.SharingChanged(
                **about(context), agreement=agreement, agreed=agreed, prescription_id=prescription_id
            )
        )
    return said


def close(closure: Closure, note: str | None) -> Command:
    """Closes the case."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        return Decision([o.ReferralClosed(**about(context), reason=closure.reason, note=note)])

    return act


def no_longer_wants(by: v.By) -> Command:
    """Ends the case: declined before a first meeting, closed after one."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        if view.story.attended:
            return Decision([o.ReferralClosed(**about(context), reason=v.CloseReason.NO_LONGER_WANTS)])
        return Decision([o.ReferralDeclined(**about(context), by=by, reason=v.DeclineReason.DOES_NOT_WANT)])

    return act


def decline(decline: Decline) -> Command:
    """Ends a case before its first meeting."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        if view.story.attended:
            raise Refused("already_met")
        return Decision([o.ReferralDeclined(**about(context), by=decline.by, reason=decline.reason)])

    return act


def return_to_referrer(back: Return, note: str | None) -> Command:
    """Returns the referral to its referrer."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        return Decision([o.ReferralReturned(**about(context), reason=back.reason, note=note)])

    return act


def reopen(reopen: Reopen, note: str | None) -> Command:
    """Undoes every end of the case, and books or defers the chosen meeting.

    If the person has another open referral, a returned one is not opened again.
    """

    def act(view: ReferralState, diaries: Diaries, context: DecisionContext) -> Decision:
        if view.story.created is None:
            raise Refused("unknown_case")
        if view.story.erased:
            raise Refused("case_erased")
        if view.open:
            return NOTHING
        if context.referral_id in diaries.referred_again and view.is_returned:
            raise Refused("referred_again")
        step, meeting = checked_step(reopen.next_step, context), reopen.meeting
        said: list[NewEvent | EventBody] = [
            o.ReferralReopened(
                **about(context),
                ends_source=end.said.source,
                ends_id=end.said.id,
                note=note,
                next_step=step,
            )
            for end in view.story.endings
        ]
        if meeting.slot is not None:
            slot = chosen(view, diaries, context, view.story.created, meeting.slot)
            booked = book(view, diaries, context, slot, provisional=False)
            if booked is None:
                raise Refused("slot_taken")
            said.append(booked)
        elif meeting.not_before is not None:
            said.append(asked_to_wait(view, context, meeting.not_before))
        return Decision(said)

    return act
