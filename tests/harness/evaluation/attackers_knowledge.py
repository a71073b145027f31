"""The knowledge of an attacker with all published pages, the rules, and an integer programme solver.

All published numbers of all places and periods go into one system of whole numbers:

- counts as ranges; sums over places, quarters and parts; counts that are never more than others;
- percentages; means as sums of whole scores; better and worse;
- medians and 90th percentiles as counts of people who waited no longer.

The attacker recovers a count if the system has only one number for it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, NamedTuple

import highspy

Json = Mapping[str, Any]
# The answers of the API by period: "whole" since the start, and a name for each quarter.
Published = Mapping[str, Json]
WHOLE: Final = "whole"
PROGRAMME: Final = "programme"
MAX_NUMBER: Final = 10**5
STEPS: Final = ("referred", "booked", "met", "planned", "accepted", "visited")


class At(NamedTuple):
    """One number of one place and period."""

    place: str
    period: str
    name: tuple[str, ...]


@dataclass
class System:
    """Whole numbers with limits, and sums of them with limits."""

    limits: dict[At, tuple[int, int]] = field(default_factory=dict)
    rows: list[tuple[float, float, Mapping[At, int]]] = field(default_factory=list)

    def number(self, at: At, low: int = 0, high: int = MAX_NUMBER) -> None:
        knowledge = self.limits.get(at, (-MAX_NUMBER, MAX_NUMBER))
        self.limits[at] = max(knowledge[0], low), min(knowledge[1], high)

    def row(self, low: float, high: float, terms: Mapping[At, int]) -> None:
        if all(at in self.limits for at in terms):
            self.rows.append((low, high, terms))

    def at_most(self, less: At, more: At) -> None:
        self.row(-highspy.kHighsInf, 0, {less: 1, more: -1})

    def total(self, total: At, parts: Sequence[At]) -> None:
        self.row(0, 0, dict.fromkeys(parts, -1) | {total: 1})


def could_be(shown: int | str) -> tuple[int, int]:
    if isinstance(shown, str):
        return 0, MAX_NUMBER
    return (max(shown - 2, 8), shown + 2) if shown else (0, 0)


def counts(place: Json) -> Iterator[tuple[tuple[str, ...], int | str]]:
    """The counts of a place, by names that are the same in the exact figures."""
    for section, names in _LISTS.items():
        for each in place[section]:
            yield from (((name, each["code"]), each[key]) for name, key in names.items() if key in each)
    for section in ("barriers", "replies", "needs"):
        yield (section, "all"), place[section]["total"]
        yield from (((section, part["code"]), part["count"]) for part in place[section]["parts"])
    yield from _unmet(place["unmet"])
    for name in ("before", "due", "answered", "not_yet_due"):
        yield ("follow_up", name), place["follow_up"][name]


# Sections that are lists: the name of each count, and its field.
_LISTS: Final[Mapping[str, Mapping[str, str]]] = {
    "journey": {"journey": "people", "settled": "settled"},
    "waits": {"wait": "people"},
    "meetings": {"meetings": "meetings", "missed": "did_not_come"},
    "routes": {name: name for name in ("referred", "reached", "settled_referred", "settled_reached")},
    "wellbeing": {name: name for name in ("people", "better", "same", "worse")},
}


def _unmet(unmet: Json) -> Iterator[tuple[tuple[str, ...], int | str]]:
    """Counts of unmet needs. A pair that is absent counts 0."""
    reasons = {"all": unmet["total"]} | {part["code"]: part["count"] for part in unmet["by_reason"]}
    needs = {part["code"]: part["count"] for part in unmet["by_need"]}
    pairs = {(pair["need"], pair["reason"]): pair["count"] for pair in unmet["by_need_and_reason"]}
    for reason, count in reasons.items():
        yield ("unmet", "all", reason), count
        for need, of_need in needs.items():
            yield ("unmet", need, reason), of_need if reason == "all" else pairs.get((need, reason), 0)


def knowledge(published: Published) -> System:
    """Puts all published figures into one system."""
    system = System()
    for period, figures in published.items():
        for place in figures["places"]:
            for name, shown in counts(place):
                system.number(At(place["place"], period, name), *could_be(shown))
            _rates(system, period, place)
            _means(system, period, place)
    _waits(system, published)
    _sums(system, published)
    for period, figures in published.items():
        for place in figures["places"]:
            _within(system, period, place)
    return system


def _rates(system: System, period: str, place: Json) -> None:
    """Adds percentages: (2p - 1) whole <= 200 part < (2p + 1) whole."""

    def rate(found: Json, part: tuple[str, ...], whole: tuple[str, ...]) -> None:
        low, high = found.get("percent_low"), found.get("percent_high")
        if low is None or high is None or part == whole:
            return
        small, large = At(place["place"], period, part), At(place["place"], period, whole)
        system.row(0, highspy.kHighsInf, {small: 200, large: 1 - 2 * low})
        system.row(-highspy.kHighsInf, -1 if high < 100 else 0, {small: 200, large: -1 - 2 * high})

    for step in place["journey"]:
        rate(step, ("settled", step["code"]), ("settled", "referred"))
    for band in place["meetings"]:
        rate(band, ("missed", band["code"]), ("meetings", band["code"]))
    for route in place["routes"]:
        rate(route, ("settled_reached", route["code"]), ("settled_referred", route["code"]))
    rate(place["follow_up"], ("follow_up", "answered"), ("follow_up", "due"))
    for name in ("barriers", "replies"):
        for part in place[name]["parts"]:
            rate(part, (name, part["code"]), (name, "all"))
    for part in place["unmet"]["by_reason"]:
        rate(part, ("unmet", "all", part["code"]), ("unmet", "all", "all"))
    for part in place["unmet"]["by_need"]:
        rate(part, ("unmet", part["code"], "all"), ("unmet", "all", "all"))
    for part in place["needs"]["parts"]:
        rate(part, ("needs", part["code"]), ("journey", "referred"))


def _means(system: System, period: str, place: Json) -> None:
    """Adds means: sums of scores within half a step of each mean; better and worse by 1 to 10 points."""
    for item in place["wellbeing"]:

        def at(name: str, code: str = item["code"]) -> At:
            return At(place["place"], period, (name, code))

        for name in ("sum_before", "sum_after"):
            system.number(at(name))
            system.row(0, highspy.kHighsInf, {at("people"): 10, at(name): -1})
        system.number(at("gain"), -MAX_NUMBER)
        towards = 1 if item["better_when"] == "higher" else -1
        system.row(0, 0, {at("gain"): 1, at("sum_after"): -towards, at("sum_before"): towards})
        system.row(0, highspy.kHighsInf, {at("gain"): 1, at("better"): -1, at("worse"): 10})
        system.row(-highspy.kHighsInf, 0, {at("gain"): 1, at("better"): -10, at("worse"): 1})
        if not isinstance(item["before"], float | int):
            continue
        hundredths = _step(item)
        for name, terms in (
            ("before", {at("sum_before"): 200}),
            ("after", {at("sum_after"): 200}),
            ("change", {at("sum_after"): 200, at("sum_before"): -200}),
        ):
            mean = round(item[name] * 100)
            system.row(0, highspy.kHighsInf, terms | {at("people"): -(2 * mean - hundredths)})
            system.row(-highspy.kHighsInf, 0, terms | {at("people"): -(2 * mean + hundredths)})


def _step(item: Json) -> int:
    """The step of a published mean, in hundredths of a point."""
    if any(round(item[name] * 100) % 10 for name in ("before", "after", "change")):
        return 1  # figures with two decimals
    return 10 if item["people"] >= 40 else 50


def _waits(system: System, published: Published) -> None:
    """Adds waits: people who waited at most so many days, for each published day and the day before."""
    waits = [
        (At(place["place"], period, ("wait", wait["code"])), wait)
        for period, figures in published.items()
        for place in figures["places"]
        for wait in place["waits"]
    ]
    for code in {at.name[1] for at, _ in waits}:
        of_code = [(at, wait) for at, wait in waits if at.name[1] == code]
        days = {
            day - before
            for _, wait in of_code
            for day in (wait["median_days"], wait["ninetieth_percentile_days"])
            if isinstance(day, int)
            for before in (0, 1)
        } - {-1}
        for at, wait in of_code:
            until = {day: at._replace(name=("until", code, str(day))) for day in sorted(days)}
            for number in until.values():
                system.number(number)
            ordered = [*until.values(), at]
            for less, more in pairwise(ordered):
                system.at_most(less, more)
            for name, rank in (("median_days", 50), ("ninetieth_percentile_days", 90)):
                day = wait[name]
                if not isinstance(day, int):
                    continue
                system.row(0, highspy.kHighsInf, {until[day]: 100, at: -rank})
                if day:
                    system.row(-highspy.kHighsInf, -1, {until[day - 1]: 100, at: -rank})


def _sums(system: System, published: Published) -> None:
    """Adds sums: places make up the programme, quarters make up everything."""
    quarters = [period for period in published if period != WHOLE]
    places = [place["place"] for place in published[WHOLE]["places"] if place["place"] != PROGRAMME]
    for name in sorted({at.name for at in system.limits}):
        for period in published:
            system.total(At(PROGRAMME, period, name), [At(place, period, name) for place in places])
        if quarters:
            for place in (PROGRAMME, *places):
                system.total(At(place, WHOLE, name), [At(place, period, name) for period in quarters])


def _codes(section: Sequence[Json]) -> list[str]:
    return [each["code"] for each in section if each["code"] != "all"]


def _within(system: System, period: str, place: Json) -> None:
    """Adds relations within one place and period that follow from the meaning of counts."""

    def at(*name: str) -> At:
        return At(place["place"], period, name)

    for journey in ("journey", "settled"):
        for sooner, later in pairwise(STEPS):
            system.at_most(at(journey, later), at(journey, sooner))
    for step in STEPS:
        system.at_most(at("settled", step), at("journey", step))
    system.total(at("wait", "visited"), [at("journey", "visited")])
    system.at_most(at("wait", "met"), at("journey", "met"))
    system.at_most(at("wait", "met"), at("reached", "all"))
    routes = _codes(place["routes"])
    for journey, prefix in (("journey", ""), ("settled", "settled_")):
        system.total(at(journey, "referred"), [at(f"{prefix}referred", route) for route in routes])
        system.total(at(f"{prefix}reached", "all"), [at(f"{prefix}reached", route) for route in routes])
        system.total(at(f"{prefix}referred", "all"), [at(journey, "referred")])
        for route in routes:
            system.at_most(at(f"{prefix}reached", route), at(f"{prefix}referred", route))
    for name in ("referred", "reached"):
        for route in ("all", *routes):
            system.at_most(at(f"settled_{name}", route), at(name, route))
    _within_others(system, at, place)


def _within_others(system: System, at: Callable[..., At], place: Json) -> None:
    needs = _codes(place["needs"]["parts"])
    system.total(at("needs", "all"), [at("journey", "referred")])
    for need in needs:
        system.at_most(at("needs", need), at("journey", "referred"))
    everybody = {at("needs", need): 1 for need in needs} | {at("journey", "referred"): -1}
    system.row(0, highspy.kHighsInf, everybody)
    leads = _codes(place["meetings"])
    for kind in ("meetings", "missed"):
        system.total(at(kind, "all"), [at(kind, lead) for lead in leads])
    for lead in ("all", *leads):
        system.at_most(at("missed", lead), at("meetings", lead))
    for name in ("barriers", "replies"):
        system.total(at(name, "all"), [at(name, code) for code in _codes(place[name]["parts"])])
    reasons, unmet = _codes(place["unmet"]["by_reason"]), _codes(place["unmet"]["by_need"])
    for reason in ("all", *reasons):
        system.total(at("unmet", "all", reason), [at("unmet", need, reason) for need in unmet])
    for need in ("all", *unmet):
        system.total(at("unmet", need, "all"), [at("unmet", need, reason) for reason in reasons])
    system.row(
        0,
        highspy.kHighsInf,
        {at("follow_up", "before"): 1, at("follow_up", "due"): -1, at("follow_up", "not_yet_due"): -1},
    )
    system.at_most(at("follow_up", "answered"), at("follow_up", "due"))
    items = _codes(place["wellbeing"])
    for item in items:
        system.total(at("people", item), [at(way, item) for way in ("better", "same", "worse")])
        system.at_most(at("people", item), at("follow_up", "answered"))
    answered = {at("people", item): 1 for item in items} | {at("follow_up", "answered"): -1}
    system.row(0, highspy.kHighsInf, answered)
