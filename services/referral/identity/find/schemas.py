"""Bodies of the search for people."""

from datetime import date, datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from services.referral.identity.find.inputs import TypedSearch
from services.referral.identity.find.queries import FoundPeople, FoundPerson
from services.referral.identity.people import DetailsLocation
from shared.contract.events.models import Day
from shared.contract.history import Stage
from shared.platform.web.bodies import JsonBody

_Text = Annotated[str, Field(max_length=200)]


class PersonSearch(JsonBody):
    """A search for a person. A person fits if all given fields fit; one of them is needed at least."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Exampel Person", "date_of_birth": "1951-03-29"}]},
    )

    name: _Text | None = Field(
        None, description="First and last names in any order, with one slip in each at most."
    )
    nhs_number: _Text | None = None
    date_of_birth: Day | None = None
    telephone: _Text | None = None
    postcode: _Text | None = None
    reference: _Text | None = Field(None, description="The id of one of the person's referrals.")

    def typed(self) -> TypedSearch:
        """The fields as they were sent."""
        return TypedSearch(**{name: getattr(self, name) for name in type(self).model_fields})


class PersonFound(BaseModel):
    """A person, by their open referral or else the latest one that the caller may see.

    Names and `date_of_birth` are null for the programme team, and where `details_kept` is not `here`.
    """

    referral: str
    locality: str
    practice: str
    stage: Stage
    open: bool
    died: bool
    created_at: datetime
    details_kept: DetailsLocation
    name: str | None
    preferred_name: str | None
    date_of_birth: date | None

    @classmethod
    def of(cls, found: FoundPerson) -> Self:
        """The answer of one person."""
        view, born = found.row["view"], found.details.get("date_of_birth")
        return cls(
            referral=found.row["referral"],
            locality=found.row["locality"],
            practice=view["practice"],
            stage=view["stage"],
            open=view["open"],
            died=found.died,
            created_at=view["created"],
            details_kept=found.kept,
            name=found.name,
            preferred_name=found.preferred_name,
            date_of_birth=date.fromisoformat(born) if born else None,
        )


class PeopleFound(BaseModel):
    """The people who fit, best first. `too_many`: more fit; add another field."""

    people: list[PersonFound]
    too_many: bool

    @classmethod
    def of(cls, found: FoundPeople) -> Self:
        """The answer of a search."""
        return cls(people=[PersonFound.of(each) for each in found.people], too_many=found.too_many)
