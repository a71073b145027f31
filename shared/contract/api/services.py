"""Community services as directory's owner lists them: everything that a choice for a person needs."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.api.casework import LocalTime
from shared.contract.events import vocabulary as v
from shared.contract.events.models import Day, LocalitySlug, Ref

# Latitude and longitude in degrees.
Degrees = tuple[Annotated[float, Field(ge=-90, le=90)], Annotated[float, Field(ge=-180, le=180)]]
Age = Annotated[int, Field(ge=0, le=130)]
Capacity = Literal["capacity", "no-capacity", "waitlist", "additional-assessment-required"]
# A position says no more of a home than this: a hundredth of a degree is about a kilometre.
POSITION_DIGITS: Final = 2
MOST: Final = 200


class ServicePlace(BaseModel):
    """A place of a service."""

    name: str
    address: Annotated[str, Field(description="The address in words; empty if it is not known.")]
    postcode: Annotated[str | None, Field(description="The postcode; null if it is not known.")]
    position: Annotated[Degrees | None, Field(description="Latitude and longitude; null if not known.")]
    step_free: Annotated[bool | None, Field(description="True if it is step-free; null if not known.")]
    virtual: Annotated[bool, Field(description="True if people join from home.")] = False


class ServiceTimes(BaseModel):
    """Times of a service's sessions. No session is before `valid_from` or after `until`."""

    rule: Annotated[
        str | None,
        Field(description="RFC 5545 RRULE in local time, counted from `start`; null if not known in full."),
    ]
    start: Annotated[Day | None, Field(description="The day from which the rule counts.")]
    until: Annotated[Day | None, Field(description="The last day.")]
    opens_at: Annotated[LocalTime | None, Field(description="The start of a session.")]
    closes_at: Annotated[LocalTime | None, Field(description="The end of a session.")]
    text: Annotated[str, Field(description="The times in words; empty for none.")]
    place: Annotated[str, Field(description="The name of the place; empty for all places.")] = ""
    valid_from: Annotated[Day | None, Field(description="The first day.")] = None
    timezone: Annotated[str, Field(description="The IANA time zone of the rule.")] = "Europe/London"


class ServicePrice(BaseModel):
    """A price of a service."""

    amount: Annotated[
        Annotated[str, Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,2})?$")] | None,
        Field(description="Pounds; null if no sum is known."),
    ]
    text: Annotated[str, Field(description="The price in words, such as “a session”.")]


class ServiceListed(BaseModel):
    """A community service as it stands now in a locality."""

    id: Ref
    name: str
    organisation: Annotated[str | None, Field(description="Who runs it; null if it is not known.")]
    description: Annotated[str, Field(description="Plain text.")]
    alert: Annotated[str, Field(description="News that a reader has to know; empty for none.")] = ""
    offered: Annotated[bool, Field(description="True if it may be prescribed in the locality now.")]
    needs: Annotated[list[v.Need], Field(description="The needs that it serves.")]
    sensitive_needs: Annotated[
        list[v.SensitiveNeed], Field(description="Of a service for `sensitive`: which of them.")
    ] = []
    capacity: Annotated[
        Capacity | None,
        Field(description="Whether it takes people, as the service said or its entry says; null if unknown."),
    ]
    capacity_since: Annotated[
        Day | None, Field(description="The day on which the service said so; null if it is its entry's word.")
    ] = None
    times: Annotated[list[ServiceTimes], Field(description="When it is held; empty if not known.")]
    prices: Annotated[list[ServicePrice], Field(description="What it costs; empty if not known.")]
    minimum_age: Annotated[Age | None, Field(description="The youngest age; null for none.")]
    maximum_age: Annotated[Age | None, Field(description="The oldest age; null for none.")]
    audience: Annotated[
        Literal["men", "women"] | None, Field(description="Null for all people, or if it is not said.")
    ] = None
    accessibility: Annotated[str, Field(description="Access in words; empty if nothing is said.")]
    languages: Annotated[list[str], Field(description="ISO 639 codes of languages beside English.")]
    places: Annotated[list[ServicePlace], Field(description="Where it is held.")]
    checked_on: Annotated[Day | None, Field(description="The day on which the entry was last checked.")]
    telephone: Annotated[str | None, Field(description="The number for people, as printed.")]
    url: Annotated[str | None, Field(description="The web address for people.")]
    mailbox_confirmed: Annotated[
        bool | None,
        Field(description="True if it can be asked by a link. False: not confirmed yet. Null: no address."),
    ]


class ServicesAsked(BaseModel):
    """The need for which services are wanted. Nothing of a person but about where they live."""

    model_config = ConfigDict(extra="forbid")

    locality: LocalitySlug
    need: Annotated[v.Need, Field(description="The need.")]
    near: Annotated[
        Degrees | None,
        Field(description="Latitude and longitude to a hundredth of a degree; the nearest come first."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=MOST, description="How many services at most.")] = MOST


class ServicesNamed(BaseModel):
    """The services of plans, by id."""

    model_config = ConfigDict(extra="forbid")

    locality: LocalitySlug
    services: Annotated[list[Ref], Field(min_length=1, max_length=MOST, description="Their ids.")]


class ServicesListed(BaseModel):
    """Services. Those that are not known here are left out."""

    services: Annotated[list[ServiceListed], Field(description="The services.")]


EXAMPLE: Final[dict[str, Any]] = {
    "id": "01938f1c-1a2b-7c3d-8e4f-5a6b7c8d9e0f",
    "name": "Money desk (example)",
    "organisation": "Advice for all (example)",
    "description": "Help with bills and debts.",
    "alert": "",
    "offered": True,
    "needs": ["debt"],
    "sensitive_needs": [],
    "capacity": "waitlist",
    "capacity_since": "2026-11-24",
    "times": [
        {
            "rule": "FREQ=WEEKLY;BYDAY=TU",
            "start": "2026-01-06",
            "until": None,
            "opens_at": "10:00",
            "closes_at": "12:00",
            "text": "",
            "place": "",
            "valid_from": None,
            "timezone": "Europe/London",
        }
    ],
    "prices": [{"amount": "0", "text": ""}],
    "minimum_age": 18,
    "maximum_age": None,
    "audience": None,
    "accessibility": "",
    "languages": ["ur"],
    "places": [
        {
            "name": "Library (example)",
            "address": "1 Example Street",
            "postcode": "ST3 6AB",
            "position": [52.98, -2.1],
            "step_free": True,
            "virtual": False,
        }
    ],
    "checked_on": "2026-09-01",
    "telephone": "01632 960555",
    "url": "https://money-desk.example/",
    "mailbox_confirmed": True,
}
