"""Ranking of services for a need: reasons for each, and reasons against near misses. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from services.matching.calendar import london_day
from services.matching.directory.availability import Availability, in_words
from services.matching.directory.feed.model import Audience, Capacity, Service
from services.matching.directory.feed.sessions import next_sessions
from shared.contract.events import vocabulary as v
from shared.platform.clock import LONDON
from shared.platform.languages import same_language
from shared.platform.localities.miles import in_miles
from shared.platform.localities.postcodes import distance_km

NEAR_KM: Final = 2.5
FAR_KM: Final = 8.0
STALE_MONTHS: Final = 12

# Latitude and longitude in degrees.
Position = tuple[float, float]


class Why(StrEnum):
    """Reasons for a service."""

    NEED = "need"
    NEAR = "near"
    FREE = "free"
    # The service has a price. The sentence names it if it is known.
    COST = "cost"
    STEP_FREE = "step_free"
    HOURS = "hours"
    LANGUAGE = "language"
    CAPACITY = "capacity"
    ASSURED = "assured"


class WhyNot(StrEnum):
    """Reasons against a service. The first group makes it a near miss, the second are cautions."""

    FULL = "full"
    CLOSED = "closed"
    TOO_FAR = "too_far"
    AGE = "age"
    NOT_STEP_FREE = "not_step_free"
    NO_TIMES = "no_times"

    STALE = "stale"
    COST_NOT_KNOWN = "cost_not_known"
    STEP_FREE_NOT_KNOWN = "step_free_not_known"
    DISTANCE_NOT_KNOWN = "distance_not_known"
    WAITING_LIST = "waiting_list"
    ASSESSMENT_FIRST = "assessment_first"
    FOR_MEN = "for_men"
    FOR_WOMEN = "for_women"


_NEAR_MISS: Final = frozenset(
    {WhyNot.FULL, WhyNot.CLOSED, WhyNot.TOO_FAR, WhyNot.AGE, WhyNot.NOT_STEP_FREE, WhyNot.NO_TIMES}
)
_AGAINST: Final[Mapping[Capacity, WhyNot]] = {
    Capacity.NO_CAPACITY: WhyNot.FULL,
    Capacity.WAITLIST: WhyNot.WAITING_LIST,
    Capacity.ADDITIONAL_ASSESSMENT: WhyNot.ASSESSMENT_FIRST,
}
NOTHING_TOLD: Final[Mapping[str, Availability]] = MappingProxyType({})
_AGES: Final[dict[v.AgeBand, tuple[int, int]]] = {
    v.AgeBand.UNDER_18: (0, 17),
    v.AgeBand.FROM_18: (18, 24),
    v.AgeBand.FROM_25: (25, 34),
    v.AgeBand.FROM_35: (35, 44),
    v.AgeBand.FROM_45: (45, 54),
    v.AgeBand.FROM_55: (55, 64),
    v.AgeBand.FROM_65: (65, 74),
    v.AgeBand.FROM_75: (75, 84),
    v.AgeBand.FROM_85: (85, 130),
}


@dataclass(frozen=True, slots=True)
class Person:
    """The person for whom a service is chosen. `at`: their home in degrees; None if not known."""

    need: v.Need
    age_band: v.AgeBand | None = None
    at: Position | None = None
    step_free: bool = False
    language: str = "en"
    # Sensitive needs, if `need` is sensitive: from the vault, never stored.
    sensitive: frozenset[v.SensitiveNeed] = frozenset()


@dataclass(frozen=True, slots=True)
class RankedService:
    """A service and how it suits. `sentences` and `against` are plain English for pages.

    `distance_km` is as the crow flies to its nearest place; None if it is not known.
    """

    service: Service
    suitable: bool
    why: tuple[Why, ...]
    why_not: tuple[WhyNot, ...]
    sentences: tuple[str, ...]
    against: tuple[str, ...]
    distance_km: float | None
    availability: Availability
    # "Tuesday 4 March, 10am", in London time.
    next_session: str | None
    # The service has a confirmed address for a one-tap link. Otherwise link workers signpost or ring.
    can_be_asked: bool


def rank(
    services: Iterable[Service],
    person: Person,
    now: datetime,
    places: Mapping[str, Availability] = NOTHING_TOLD,
    limit: int = 10,
    mailable: Collection[str] | None = None,
) -> list[RankedService]:
    """The services for this need: suitable ones first, nearest and surest first, then near misses.

    `places`: whether they take people now, by service id; otherwise their entry counts. `mailable`: the
    services whose mailbox is confirmed; None: all that have an address.
    """
    found = [
        _ranked(service, person, now, places.get(service.id, Availability(service.capacity)))
        for service in services
        if answers(service, person)
    ]
    found.sort(key=_order)
    if mailable is None:
        return found[:limit]
    return [
        replace(one, can_be_asked=one.can_be_asked and one.service.id in mailable) for one in found[:limit]
    ]


def answers(service: Service, person: Person) -> bool:
    """True if a service is for this need."""
    if person.need is v.Need.SENSITIVE:
        wanted = person.sensitive
        return bool(wanted & set(service.sensitive_needs)) if wanted else bool(service.sensitive_needs)
    return person.need in service.needs


def distance(service: Service, at: Position | None) -> float | None:
    """Kilometres to the nearest of its places; None if either end is not known."""
    if at is None:
        return None
    places = [place.position for place in service.locations if place.position is not None]
    return min((distance_km(at, place) for place in places), default=None)


def next_session_of(service: Service, now: datetime) -> str | None:
    """The next session, in words."""
    coming = next_sessions(service.schedules, now)
    return spoken(coming[0].starts_at) if coming else None


def spoken(moment: datetime) -> str:
    """A moment in London, such as "Tuesday 4 March, 10am"."""
    here = moment.astimezone(LONDON)
    hour = here.hour % 12 or 12
    minutes = f":{here.minute:02}" if here.minute else ""
    half = "am" if here.hour < 12 else "pm"
    return f"{here:%A} {here.day} {here:%B}, {hour}{minutes}{half}"


def _ranked(service: Service, person: Person, now: datetime, places: Availability) -> RankedService:
    far = distance(service, person.at)
    session = next_session_of(service, now)
    why: list[tuple[Why, str]] = [(Why.NEED, "It is for this need")]
    against: list[tuple[WhyNot, str]] = []
    virtual = any(place.virtual for place in service.locations)
    if virtual:
        why.append((Why.NEAR, "It can be joined from home"))
    elif far is None:
        against.append((WhyNot.DISTANCE_NOT_KNOWN, "How far it is is not known"))
    elif far > FAR_KM:
        against.append((WhyNot.TOO_FAR, f"{in_miles(far)} away"))
    else:
        why.append((Why.NEAR, f"{in_miles(far)} away"))
    _open(service, places, against, why)
    _age(service, person, against)
    _audience(service, against)
    _access(service, person, why, against)
    _cost(service, why, against)
    if session is not None:
        why.append((Why.HOURS, f"Next on {session}"))
    elif service.schedules and all(schedule.rule is not None for schedule in service.schedules):
        against.append((WhyNot.NO_TIMES, "No more sessions within three months"))
    if any(same_language(person.language, spoken_there) for spoken_there in _beside_english(service)):
        why.append((Why.LANGUAGE, "Their language is spoken there"))
    months = service.months_since_assured(london_day(now))
    if months is None:
        against.append((WhyNot.STALE, "Nobody says when this entry was last checked"))
    elif months >= STALE_MONTHS:
        against.append((WhyNot.STALE, f"Last checked {months} months ago"))
    else:
        why.append((Why.ASSURED, _checked(months)))
    return RankedService(
        service=service,
        suitable=not any(code in _NEAR_MISS for code, _ in against),
        why=tuple(code for code, _ in why),
        why_not=tuple(code for code, _ in against),
        sentences=tuple(sentence for _, sentence in why),
        against=tuple(sentence for _, sentence in against),
        distance_km=far,
        availability=places,
        next_session=session,
        can_be_asked=service.email is not None,
    )


def _open(
    service: Service, places: Availability, against: list[tuple[WhyNot, str]], why: list[tuple[Why, str]]
) -> None:
    if not service.offered:
        against.append((WhyNot.CLOSED, "Closed at the moment"))
    if places.capacity is Capacity.CAPACITY:
        why.append((Why.CAPACITY, in_words(places)))
    elif places.capacity is not None:
        against.append((_AGAINST[places.capacity], in_words(places)))


def _age(service: Service, person: Person, against: list[tuple[WhyNot, str]]) -> None:
    if person.age_band is None:
        return
    youngest, oldest = _AGES[person.age_band]
    if oldest < (service.minimum_age or 0):
        against.append((WhyNot.AGE, f"For people of {service.minimum_age} and over"))
    elif service.maximum_age is not None and youngest > service.maximum_age:
        against.append((WhyNot.AGE, f"For people up to {service.maximum_age}"))


def _audience(service: Service, against: list[tuple[WhyNot, str]]) -> None:
    """Names the people for whom a service is.

    The link worker judges, because the person's sex is not known here.
    """
    if service.audience is not None:
        code = WhyNot.FOR_WOMEN if service.audience is Audience.WOMEN else WhyNot.FOR_MEN
        said = f"Its listing says that it is for {service.audience.value}: check that it suits them"
        against.append((code, said))


def _beside_english(service: Service) -> list[str]:
    return [code for code in service.languages if not same_language(code, "en")]


def _access(
    service: Service, person: Person, why: list[tuple[Why, str]], against: list[tuple[WhyNot, str]]
) -> None:
    if service.step_free:
        why.append((Why.STEP_FREE, "Step-free"))
    elif person.step_free and service.step_free is False:
        against.append((WhyNot.NOT_STEP_FREE, "No step-free access"))
    elif person.step_free:
        against.append((WhyNot.STEP_FREE_NOT_KNOWN, "Whether it is step-free is not known"))


def _cost(service: Service, why: list[tuple[Why, str]], against: list[tuple[WhyNot, str]]) -> None:
    priced = sorted((cost.amount, cost.words) for cost in service.costs if cost.amount is not None)
    told = [words for _, words in priced] or [cost.words for cost in service.costs if cost.words]
    if service.free:
        why.append((Why.FREE, "Free"))
    elif told:
        why.append((Why.COST, f"From {told[0]}" if len(priced) > 1 else told[0]))
    else:
        against.append((WhyNot.COST_NOT_KNOWN, "What it costs is not known"))


def _checked(months: int) -> str:
    return "Checked this month" if months == 0 else f"Checked {months} month{'s' if months > 1 else ''} ago"


def _order(ranked: RankedService) -> tuple[bool, int, bool, int, float, str]:
    misses = sum(code in _NEAR_MISS for code in ranked.why_not)
    cautions = len(ranked.why_not) - misses
    far = ranked.distance_km if ranked.distance_km is not None else FAR_KM
    for_one_sex = ranked.service.audience is not None
    # Bands of distance first, then certainty: two cautions weigh as much as a walk of some minutes.
    band = int(far / NEAR_KM) + cautions // 2
    return (not ranked.suitable, misses, for_one_sex, band, far, ranked.service.name)
