"""OutcomeRecorded: one thing that happened after a referral was made, a union on `kind`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from shared.contract.events import vocabulary as v
from shared.contract.events.measures import valid_scores
from shared.contract.events.models import Day, EventBody, LinkWorkerId, Rating, Ref

# The source of an event: `/<locality>/<part>`, as in the CloudEvents attribute `source`.
SourceRef = Annotated[str, Field(pattern=r"^/[a-z]{2,20}(-[a-z]{2,20})?/[a-z]{2,30}(-[a-z]{2,30})?$")]


class NextStep(BaseModel):
    """The next step of the referral, and by when."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: v.NextStepCode
    on: Day


class Outcome(EventBody):
    """Fields that every kind may have beside its own."""

    next_step: NextStep | None = None
    # A note in the vault that goes with it.
    note: Ref | None = None


class ContactAttempted(Outcome):
    kind: Literal["contact_attempted"] = "contact_attempted"
    channel: v.Channel
    reached: bool


class MeetingWaiting(Outcome):
    """There is no meeting yet, for this reason; one is expected by then."""

    kind: Literal["meeting_waiting"] = "meeting_waiting"
    reason: v.WaitingReason
    expected_by: Day


class MeetingAttended(Outcome):
    kind: Literal["meeting_attended"] = "meeting_attended"
    meeting_id: Ref


class MeetingMissed(Outcome):
    kind: Literal["meeting_missed"] = "meeting_missed"
    meeting_id: Ref


class MeetingCancelled(Outcome):
    kind: Literal["meeting_cancelled"] = "meeting_cancelled"
    meeting_id: Ref
    by: v.By
    why: v.CancelReason


class LinkWorkerChanged(Outcome):
    kind: Literal["link_worker_changed"] = "link_worker_changed"
    link_worker: LinkWorkerId


class Action(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    code: v.ActionCode
    by: v.By = v.By.PERSON
    review_on: Day | None = None


class Goal(BaseModel):
    """A goal of the plan; the person's own words for it are in the vault under `words`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    goal_id: Ref
    need: v.Need
    importance: Rating | None = None
    confidence: Rating | None = None
    words: Ref | None = None
    actions: tuple[Action, ...] = ()


class PlanAgreed(Outcome):
    """The plan as it stands now: one of a higher `revision` takes its place."""

    kind: Literal["plan_agreed"] = "plan_agreed"
    plan_id: Ref
    revision: Annotated[int, Field(ge=1, le=1000)] = 1
    needs: tuple[v.Need, ...] = ()
    goals: Annotated[tuple[Goal, ...], Field(max_length=3)] = ()
    # The note in the vault that holds what matters to the person.
    what_matters: Ref | None = None


class ServicePrescribed(Outcome):
    kind: Literal["service_prescribed"] = "service_prescribed"
    prescription_id: Ref
    service_id: Ref
    need: v.Need
    # Only details were given: no referral was made and no answer is awaited.
    signposted: bool = False


class ProviderReplied(Outcome):
    kind: Literal["provider_replied"] = "provider_replied"
    prescription_id: Ref
    reply: v.Reply
    weeks: Annotated[int, Field(ge=1, le=104)] | None = None
    reason: v.NotSuitableReason | None = None

    @model_validator(mode="after")
    def _says_enough(self) -> "ProviderReplied":
        if self.reply is v.Reply.NOT_SUITABLE and self.reason is None:
            raise ValueError("not_suitable needs a reason")
        return self


class ActivityStarted(Outcome):
    """The person was there: the first attendance, which is what counts."""

    kind: Literal["activity_started"] = "activity_started"
    prescription_id: Ref
    accompanied_by: v.AccompaniedBy = v.AccompaniedBy.NOT_KNOWN
    on: Day


class ActivityNotStarted(Outcome):
    kind: Literal["activity_not_started"] = "activity_not_started"
    prescription_id: Ref
    barrier: v.Barrier


class ActivityEnded(Outcome):
    kind: Literal["activity_ended"] = "activity_ended"
    prescription_id: Ref
    reason: v.EndReason


class Measured(Outcome):
    """Answers to a questionnaire; an item that was skipped is left out."""

    kind: Literal["measured"] = "measured"
    instrument: v.Instrument
    stage: v.Stage
    on: Day
    scores: dict[Annotated[str, Field(pattern=r"^[a-z]{3,20}\d{0,2}$")], Annotated[int, Field(ge=0, le=10)]]

    @model_validator(mode="after")
    def _items_of_the_instrument(self) -> "Measured":
        if not valid_scores(self.instrument, self.scores):
            raise ValueError("scores do not fit the instrument")
        return self


class NeedUnmet(Outcome):
    """The community had nothing to offer for this need: the funding case."""

    kind: Literal["need_unmet"] = "need_unmet"
    need: v.Need
    reason: v.UnmetReason


class SharingChanged(Outcome):
    kind: Literal["sharing_changed"] = "sharing_changed"
    agreement: v.Agreement
    agreed: v.Agreed
    # The service that it is about, for `agreement: service`.
    prescription_id: Ref | None = None

    @model_validator(mode="after")
    def _names_the_service(self) -> "SharingChanged":
        if (self.agreement is v.Agreement.SERVICE) != (self.prescription_id is not None):
            raise ValueError("prescription_id goes with agreement service, and only with it")
        return self


class ReferralDeclined(Outcome):
    kind: Literal["referral_declined"] = "referral_declined"
    by: v.By
    reason: v.DeclineReason


class ReferralReturned(Outcome):
    kind: Literal["referral_returned"] = "referral_returned"
    reason: v.ReturnReason


class ReferralWithdrawn(Outcome):
    kind: Literal["referral_withdrawn"] = "referral_withdrawn"
    by: v.By
    reason: v.WithdrawReason


class ReferralClosed(Outcome):
    kind: Literal["referral_closed"] = "referral_closed"
    reason: v.CloseReason


class ReferralReopened(Outcome):
    """Undoes one end of the referral: the closed, declined, returned or withdrawn fact that it names."""

    kind: Literal["referral_reopened"] = "referral_reopened"
    ends_source: SourceRef
    ends_id: Ref


class ContactChanged(Outcome):
    """Changes whether messages may be sent to the person. It holds a code, no number."""

    kind: Literal["contact_changed"] = "contact_changed"
    contact: v.SafeToText


class PersonErased(Outcome):
    kind: Literal["person_erased"] = "person_erased"
    person_ref: Ref


class Retracted(Outcome):
    """Makes the named fact never said, whichever of the two arrives first."""

    kind: Literal["retracted"] = "retracted"
    event_source: SourceRef
    event_id: Ref
    reason: v.RetractReason


OutcomeRecorded = Annotated[
    ContactAttempted
    | MeetingWaiting
    | MeetingAttended
    | MeetingMissed
    | MeetingCancelled
    | LinkWorkerChanged
    | PlanAgreed
    | ServicePrescribed
    | ProviderReplied
    | ActivityStarted
    | ActivityNotStarted
    | ActivityEnded
    | Measured
    | NeedUnmet
    | SharingChanged
    | ReferralDeclined
    | ReferralReturned
    | ReferralWithdrawn
    | ReferralClosed
    | ReferralReopened
    | ContactChanged
    | PersonErased
    | Retracted,
    Field(discriminator="kind"),
]

# Validates the body of an OutcomeRecorded of a known kind.
OUTCOME: TypeAdapter[Outcome] = TypeAdapter(OutcomeRecorded)

KINDS: frozenset[str] = frozenset(model.model_fields["kind"].default for model in Outcome.__subclasses__())
