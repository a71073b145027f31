"""Bodies of the intake API. `validation.py` holds the rules beyond shapes."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from services.referral.tracking.schemas import MeetingAnswer
from shared.contract.events import vocabulary as v
from shared.contract.events.models import Ref
from shared.contract.history import Stage
from shared.platform.people.cleaning import clean_line
from shared.platform.web.bodies import JsonBody

# Longest text of reason and risk, in characters.
LINE = 300


def _blank_is_none(given: Any) -> Any:
    return None if isinstance(given, str) and not given.strip() else given


def _cleaned(given: Any) -> Any:
    """A line without the invisible characters, odd spaces and dashes of pasted text."""
    return (clean_line(given) or None) if isinstance(given, str) else given


Text = Annotated[Annotated[str, Field(max_length=200)] | None, BeforeValidator(_cleaned)]
Line = Annotated[Annotated[str, Field(max_length=LINE)] | None, BeforeValidator(_blank_is_none)]


class ReferralRequest(JsonBody):
    """A person and their needs. Identity and free text go to the vault, codes into the event."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "practice": "M83100",
                    "nhs_number": "999 000 0018",
                    "date_of_birth": "1951-03-29",
                    "given_name": "Example",
                    "family_name": "Person",
                    "house": "1 Example Street",
                    "postcode": "ST3 6AB",
                    "telephone": "07700 900123",
                    "safe_to_text": "yes",
                    "needs": ["debt", "befriending"],
                    "risk": "none_known",
                    "agreed": True,
                    "agreed_by": "person",
                    "agreed_how": "in_person",
                }
            ]
        },
    )

    practice: Text = Field(None, description="ODS code; may be left out by a caller with one practice.")
    nhs_number: Text = Field(None, description="Ten digits, spaces allowed; left out where not known.")
    date_of_birth: date | None = None
    given_name: Text = Field(None, description="Left out for somebody who has one name only.")

    family_name: Text = None
    preferred_name: Text = Field(None, description="What they are called, where it is another name.")
    house: Text = Field(None, description="House and street.")
    postcode: Text = Field(None, description="`ZZ99 3VZ` and its like mean no fixed address or abroad.")
    postcode_confirmed: Text = Field(
        None, description="The same postcode again, where it is right although we do not know it."
    )
    no_fixed_address: bool = False
    telephone: Text = None
    email: Text = None
    safe_to_text: v.SafeToText | None = None
    needs: Annotated[list[v.Need], Field(max_length=20)] = Field(default=[])
    sensitive_needs: Annotated[list[v.SensitiveNeed], Field(max_length=5)] = Field(
        default=[], description="Kept in the vault; the event says `sensitive` only."
    )
    risk: v.Risk | None = Field(None, description="`see_note` goes with `risk_line`.")
    risk_line: Line = None
    agreed: bool = Field(default=False, description="The person agrees to be referred. Required.")
    agreed_by: v.AgreedBy | None = None
    agreed_how: v.AgreedHow | None = None
    route: v.Route = Field(
        v.Route.PRACTICE, description="Practice staff may say `practice` or `care_navigator`."
    )
    urgency: v.Urgency = v.Urgency.ROUTINE
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] = Field("en", description="ISO 639 code.")
    interpreter: bool = False
    access_needs: Annotated[list[v.AccessNeed], Field(max_length=10)] = Field(default=[])
    cannot_come: Annotated[list[v.HalfDay], Field(max_length=10)] = Field(default=[])
    reason: Line = None
    same_person: Text = Field(
        None, description="`confirm` of the answer `confirm_person`: it is the person who is known here."
    )
    resends: Ref | None = Field(
        None, description="The referral of this person that was sent back and that this one answers."
    )


# In the order of the form, which is also the order of errors.
FIELDS = tuple(ReferralRequest.model_fields)


class Withdrawal(JsonBody):
    """A practice's reason to withdraw a referral."""

    reason: v.WithdrawReason


class WarningAnswer(BaseModel):
    """A warning, by code and as a sentence. The referral was made nevertheless."""

    code: str
    detail: str


class ReferralMade(BaseModel):
    """A referral that was made. `meeting` is null while none is booked."""

    id: str
    stage: Stage
    meeting: MeetingAnswer | None
    warnings: list[WarningAnswer] = []
