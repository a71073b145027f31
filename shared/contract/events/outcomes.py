"""OutcomeRecorded: one thing that happened after a referral was made, a union on `kind`."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from shared.contract.events import vocabulary as v
from shared.contract.events.fields import (
    AnyCancelReason,
    AnyCloseReason,
    AnyDeclineReason,
    AnyEndReason,
    AnyNeed,
    AnyNotSuitableReason,
    AnyWithdrawReason,
    EventDay,
    LinkWorkerId,
    Ref,
    Score,
    SourceRef,
    Weeks,
    YesOrNo,
)
from shared.contract.events.measures import valid_scores
from shared.contract.events.models import MeetingId
from shared.contract.events.outcome_parts import (
    Action,
    By,
    Goal,
    NextStep,
    Outcome,
    PlanAgreed,
    PlanNeed,
    PrescriptionId,
)


class ContactAttempted(Outcome):
    """The link worker tried to reach the person."""

    kind: Literal["contact_attempted"] = "contact_attempted"
    channel: Annotated[v.Channel, Field(description="The way in which the link worker tried.")]
    reached: Annotated[YesOrNo, Field(description="True if the person was reached.")]


class MeetingWaiting(Outcome):
    """There is no meeting yet, for this reason; one is expected by then."""

    kind: Literal["meeting_waiting"] = "meeting_waiting"
    reason: Annotated[v.WaitingReason, Field(description="The reason why there is no meeting.")]
    expected_by: Annotated[
        EventDay, Field(description="The day by which a meeting is expected: YYYY-MM-DD. It may be set anew.")
    ]


class MeetingAttended(Outcome):
    """The person came to the meeting."""

    kind: Literal["meeting_attended"] = "meeting_attended"
    meeting_id: MeetingId


class MeetingMissed(Outcome):
    """The person did not come to the meeting."""

    kind: Literal["meeting_missed"] = "meeting_missed"
    meeting_id: MeetingId


class MeetingCancelled(Outcome):
    """The meeting does not take place. No end of the referral: another meeting may follow."""

    kind: Literal["meeting_cancelled"] = "meeting_cancelled"
    meeting_id: MeetingId
    by: By
    why: Annotated[AnyCancelReason, Field(description="The reason for cancelling.")]


class LinkWorkerChanged(Outcome):
    """Another link worker has the case from now on."""

    kind: Literal["link_worker_changed"] = "link_worker_changed"
    link_worker: Annotated[
        LinkWorkerId,
        Field(
            description="The link worker who takes over. The owner of the part casework issues the id: "
            "`lw-<locality>-<number>` or a UUID."
        ),
    ]


class ServicePrescribed(Outcome):
    """A community service is in the person's plan."""

    kind: Literal["service_prescribed"] = "service_prescribed"
    prescription_id: PrescriptionId
    service_id: Annotated[
        Ref, Field(description="The community service. The directory's owner issues the id.")
    ]
    need: PlanNeed
    signposted: Annotated[
        YesOrNo,
        Field(
            description="True if only details were given: no referral was made and no reply is awaited. "
            "Left out, it is false."
        ),
    ] = False


class ProviderReplied(Outcome):
    """The service answered. A later reply takes the place of an earlier one."""

    kind: Literal["provider_replied"] = "provider_replied"
    prescription_id: PrescriptionId
    reply: Annotated[v.Reply, Field(description="The service's reply.")]
    weeks: Annotated[
        Weeks | None,
        Field(
            description="The length of the waiting list in weeks, from 1 to 104, or null if it is not "
            "known. `waiting_list` needs it."
        ),
    ] = None
    reason: Annotated[
        AnyNotSuitableReason | None,
        Field(description="The reason why it is not suitable. `not_suitable` needs it."),
    ] = None

    @model_validator(mode="after")
    def _says_enough(self) -> "ProviderReplied":
        if self.reply is v.Reply.NOT_SUITABLE and self.reason is None:
            raise ValueError("not_suitable needs a reason")
        return self

    def to_json(self) -> bytes:
        """The body as it is published. An unknown length of a waiting list is said as null."""
        if self.reply is not v.Reply.WAITING_LIST or self.weeks is not None:
            return super().to_json()
        unsaid = {name for name in type(self).model_fields if getattr(self, name) is None} - {"weeks"}
        return self.model_dump_json(exclude=unsaid).encode()


class ActivityStarted(Outcome):
    """The person was there: the first attendance, which is what counts."""

    kind: Literal["activity_started"] = "activity_started"
    prescription_id: PrescriptionId
    accompanied_by: Annotated[
        v.AccompaniedBy, Field(description="Who went along. Left out, it is not known.")
    ] = v.AccompaniedBy.NOT_KNOWN
    on: Annotated[EventDay, Field(description="The day of the first visit: YYYY-MM-DD.")]


class ActivityNotStarted(Outcome):
    """The first visit did not happen."""

    kind: Literal["activity_not_started"] = "activity_not_started"
    prescription_id: PrescriptionId
    barrier: Annotated[v.Barrier, Field(description="What stood in the way.")]


class ActivityEnded(Outcome):
    """The person no longer goes to the service."""

    kind: Literal["activity_ended"] = "activity_ended"
    prescription_id: PrescriptionId
    reason: Annotated[AnyEndReason, Field(description="The reason why the visits ended.")]


class Measured(Outcome):
    """Answers to a questionnaire; an item that was skipped is left out."""

    kind: Literal["measured"] = "measured"
    instrument: Annotated[v.Instrument, Field(description="The questionnaire.")]
    stage: Annotated[v.Stage, Field(description="The stage of the person's way at which it was answered.")]
    on: Annotated[EventDay, Field(description="The day of the answers: YYYY-MM-DD.")]
    scores: Annotated[
        dict[Annotated[str, StringConstraints(pattern=r"^[a-z]{3,20}[0-9]{0,2}$")], Score],
        Field(description="The score of each item that was answered, one at least, by the item's name."),
    ]

    @model_validator(mode="after")
    def _items_of_the_instrument(self) -> "Measured":
        if not valid_scores(self.instrument, self.scores):
            raise ValueError("scores do not fit the instrument")
        return self


class NeedUnmet(Outcome):
    """The community had nothing to offer for this need: the funding case."""

    kind: Literal["need_unmet"] = "need_unmet"
    need: Annotated[AnyNeed, Field(description="The need for which nothing was found.")]
    reason: Annotated[v.UnmetReason, Field(description="The reason why nothing was found.")]


class SharingChanged(Outcome):
    """The person agreed, or no longer agrees, that something is shared or that they are asked again."""

    kind: Literal["sharing_changed"] = "sharing_changed"
    agreement: Annotated[v.Agreement, Field(description="What it is about.")]
    agreed: Annotated[v.Agreed, Field(description="The person's answer.")]
    prescription_id: Annotated[
        Ref | None,
        Field(
            description="The service of the plan that it is about. It stands with the agreement `service`, "
            "and only with it."
        ),
    ] = None

    @model_validator(mode="after")
    def _names_the_service(self) -> "SharingChanged":
        if (self.agreement is v.Agreement.SERVICE) != (self.prescription_id is not None):
            raise ValueError("prescription_id goes with agreement service, and only with it")
        return self


class ReferralDeclined(Outcome):
    """The referral ends: the person or the link worker does not take it up."""

    kind: Literal["referral_declined"] = "referral_declined"
    by: By
    reason: Annotated[AnyDeclineReason, Field(description="The reason for declining.")]


class ReferralReturned(Outcome):
    """The referral ends: it goes back to the practice, which may send it again."""

    kind: Literal["referral_returned"] = "referral_returned"
    reason: Annotated[v.ReturnReason, Field(description="The reason for returning it.")]


class ReferralWithdrawn(Outcome):
    """The referral ends: it was taken back."""

    kind: Literal["referral_withdrawn"] = "referral_withdrawn"
    by: By
    reason: Annotated[AnyWithdrawReason, Field(description="The reason for withdrawing.")]


class ReferralClosed(Outcome):
    """The referral ends: the link worker's work is done."""

    kind: Literal["referral_closed"] = "referral_closed"
    reason: Annotated[AnyCloseReason, Field(description="The reason for closing.")]


class ReferralReopened(Outcome):
    """Undoes one end of the referral: the closed, declined, returned or withdrawn fact that it names."""

    kind: Literal["referral_reopened"] = "referral_reopened"
    ends_source: Annotated[SourceRef, Field(description="The `ce_source` of the fact that ended it.")]
    ends_id: Annotated[Ref, Field(description="The `ce_id` of the fact that ended it.")]


class ContactChanged(Outcome):
    """Changes whether messages may be sent to the person. It holds a code, no number."""

    kind: Literal["contact_changed"] = "contact_changed"
    contact: Annotated[v.SafeToText, Field(description="Whether messages are safe from now on.")]


class PersonErased(Outcome):
    """The person's details are erased. Every part deletes what it holds of them."""

    kind: Literal["person_erased"] = "person_erased"
    person_ref: Annotated[
        Ref, Field(description="The person, as in the referral's `referral-created` event.")
    ]


class Retracted(Outcome):
    """Makes the named fact never said, whichever of the two arrives first."""

    kind: Literal["retracted"] = "retracted"
    event_source: Annotated[SourceRef, Field(description="The `ce_source` of the fact to take back.")]
    event_id: Annotated[Ref, Field(description="The `ce_id` of the fact to take back.")]
    reason: Annotated[v.RetractReason, Field(description="The reason for taking it back.")]


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

__all__ = [
    "KINDS",
    "OUTCOME",
    "Action",
    "ActivityEnded",
    "ActivityNotStarted",
    "ActivityStarted",
    "ContactAttempted",
    "ContactChanged",
    "Goal",
    "LinkWorkerChanged",
    "Measured",
    "MeetingAttended",
    "MeetingCancelled",
    "MeetingMissed",
    "MeetingWaiting",
    "NeedUnmet",
    "NextStep",
    "Outcome",
    "OutcomeRecorded",
    "PersonErased",
    "PlanAgreed",
    "ProviderReplied",
    "ReferralClosed",
    "ReferralDeclined",
    "ReferralReopened",
    "ReferralReturned",
    "ReferralWithdrawn",
    "Retracted",
    "ServicePrescribed",
    "SharingChanged",
    "SourceRef",
]
