"""A directory entry in words: places, times, cost, and the date of the last check."""

from dataclasses import dataclass
from datetime import date

from services.matching.directory import availability
from services.matching.directory.availability import Availability
from services.matching.directory.feed.model import Cost, Location, Service
from services.matching.directory.pages.times_in_words import held
from services.matching.web.grammar import listed, lower_first, plural
from shared.contract import labels
from shared.platform.web.dates import short_day

__all__ = ["ServiceInWords", "in_words"]


@dataclass(frozen=True, slots=True)
class ServiceInWords:
    """The texts of a service on a page. A text is empty if the directory says nothing."""

    service_id: str
    name: str
    organisation: str
    description: str
    alert: str
    needs: str
    places: tuple[str, ...]
    times: tuple[str, ...]
    cost: str
    ages: str
    # For women, for men; empty if it is for all people or the listing does not say.
    audience: str
    step_free: str
    accessibility: str
    languages: str
    capacity: str
    assured: str
    telephone: str
    email: str
    website: str


def in_words(service: Service, today: date, places: Availability) -> ServiceInWords:
    """The texts of one service."""
    return ServiceInWords(
        service_id=service.id,
        name=service.name,
        organisation=service.organisation or "",
        description=service.description,
        alert=service.alert,
        needs=", ".join(lower_first(labels.NEEDS[need.value]) for need in service.needs).capitalize(),
        places=tuple(text for place in service.locations if (text := place_in_words(place))),
        times=_times(service, today),
        cost=cost_in_words(service.costs),
        ages=_ages(service),
        audience=f"For {service.audience.value}" if service.audience else "",
        step_free={True: "Step-free", False: "Not step-free", None: "Not known if step-free"}[
            service.step_free
        ],
        accessibility=service.accessibility,
        languages=listed([labels.language(code) for code in service.languages]),
        capacity=availability.in_words(places),
        assured=_assured(service, today),
        telephone=service.telephone or "",
        email=service.email or "",
        website=_web_address(service.url),
    )


def _times(service: Service, today: date) -> tuple[str, ...]:
    """Each schedule in words, with its place if there are several. No date is added."""
    many = len(service.locations) > 1
    said = [
        f"{text}, at {schedule.place}" if many and schedule.place else text
        for schedule in service.schedules
        if (text := held(schedule, today))
    ]
    if service.schedules and not said:
        said = ["Ask them: the directory does not give their days and times in full"]
    return tuple(dict.fromkeys(said))


def place_in_words(place: Location) -> str:
    """Name, address and postcode, each once."""
    if place.virtual:
        return f"{place.name} (online)" if place.name else "Online"
    parts: list[str] = []
    for part in (place.name, place.address, place.postcode or ""):
        if part and not any(part in earlier for earlier in parts):
            parts.append(part)
    return ", ".join(parts)


def cost_in_words(costs: tuple[Cost, ...]) -> str:
    """The prices in words, such as Free or £3.50 a session, or that the cost is not known."""
    return "; ".join(dict.fromkeys(cost.words for cost in costs if cost.words)) or "Cost not known"


def _ages(service: Service) -> str:
    low, high = service.minimum_age, service.maximum_age
    if low and high is not None:
        return f"From {low} to {high} years"
    if low:
        return f"From {low} years"
    return f"Up to {high} years" if high is not None else "All ages"


def _assured(service: Service, today: date) -> str:
    months = service.months_since_assured(today)
    if months is None or service.assured_on is None:
        return "Nobody has said when this was last checked"
    if months < 1:
        return f"Checked on {short_day(service.assured_on)}"
    return f"Checked {plural(months, 'month')} ago, on {short_day(service.assured_on)}"


def _web_address(url: str | None) -> str:
    """The web address, if a browser may safely open it, or an empty text."""
    return url if url and url.startswith(("https://", "http://")) else ""
