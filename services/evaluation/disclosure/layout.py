"""Relations between the published counts: sums, equal counts, and counts that are never more than others.

Every reader of the figures knows these relations, so suppression follows them.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

from services.evaluation.contributions.vocabulary import ITEMS, STEPS, Answer, LeadTime
from services.evaluation.disclosure.suppression import AtMost, Line
from services.evaluation.totals.totals import ALL, PROGRAMME, CountName
from shared.contract.events import vocabulary as v


class Key(NamedTuple):
    """The key of a published count. `period` is a code."""

    place: str
    period: str
    name: CountName


class Shape(NamedTuple):
    """The places and periods of a publication; periods by their codes.

    `settled` are the parts in which all people were referred long enough ago for a rate.
    """

    whole: str
    parts: tuple[str, ...]
    settled: frozenset[str]
    localities: tuple[str, ...]


class Layout(NamedTuple):
    """The lines and orders of a publication. Keys are numbered, which is faster than names.

    Counts that are always equal share a number.
    """

    numbered: Mapping[Key, int]
    lines: tuple[Line[int], ...]
    orders: tuple[AtMost[int], ...]


@lru_cache(maxsize=4)
def layout(names: Sequence[CountName], shape: Shape) -> Layout:
    """Lays out all counts with these names. The layout changes only with a new name or quarter."""
    numbered: dict[Key, int] = {}
    numbers: dict[Key, int] = {}

    def number(key: Key) -> int:
        if key not in numbered:
            numbered[key] = numbers.setdefault(_same(key, shape), len(numbers))
        return numbered[key]

    lines = dict.fromkeys(
        Line(number(line.total), tuple(number(part) for part in line.parts)) for line in _lines(names, shape)
    )
    orders = dict.fromkeys(AtMost(number(order.less), number(order.more)) for order in _orders(shape))
    return Layout(
        numbered,
        tuple(line for line in lines if line.parts != (line.total,)),
        tuple(order for order in orders if order.less != order.more),
    )


_UNSETTLED: Final[Mapping[str, str]] = {"settled": "journey", "settled_contact": "contact"}


def _same(key: Key, shape: Shape) -> Key:
    """The key of the count that is always equal: first visits, and all people of a settled period."""
    if key.name == ("wait_visited",):
        return key._replace(name=("journey", "visited"))
    measure, *rest = key.name
    if measure in _UNSETTLED and key.period in shape.settled:
        return key._replace(name=(_UNSETTLED[measure], *rest))
    return key


def _lines(names: Sequence[CountName], shape: Shape) -> Iterator[Line[Key]]:
    periods = (shape.whole, *shape.parts)
    places = (PROGRAMME, *shape.localities)
    for name in names:
        for period in periods:
            yield Line(Key(PROGRAMME, period, name), tuple(Key(at, period, name) for at in shape.localities))
        for place in places:
            yield Line(Key(place, shape.whole, name), tuple(Key(place, part, name) for part in shape.parts))
    for place in places:
        for period in periods:
            for total, added in _BREAKDOWNS:
                yield Line(Key(place, period, total), tuple(Key(place, period, name) for name in added))


def _orders(shape: Shape) -> Iterator[AtMost[Key]]:
    for place in (PROGRAMME, *shape.localities):
        for period in (shape.whole, *shape.parts):
            for less, more in _NEVER_MORE:
                yield AtMost(Key(place, period, less), Key(place, period, more))


def _breakdowns() -> Iterator[tuple[CountName, tuple[CountName, ...]]]:
    for kind in (ALL, "missed"):
        yield ("meetings", ALL, kind), tuple(("meetings", lead, kind) for lead in LeadTime)
    for need in (ALL, *v.Need):
        yield ("unmet", need, ALL), tuple(("unmet", need, reason) for reason in v.UnmetReason)
    for reason in (ALL, *v.UnmetReason):
        yield ("unmet", ALL, reason), tuple(("unmet", need, reason) for need in v.Need)
    yield ("barriers", ALL), tuple(("barriers", barrier) for barrier in v.Barrier)
    yield ("replies", ALL), tuple(("replies", answer) for answer in Answer)
    for journey, contact in (("journey", "contact"), ("settled", "settled_contact")):
        yield (journey, "referred"), tuple((contact, route, "referred") for route in v.Route)
        yield (contact, ALL, "reached"), tuple((contact, route, "reached") for route in v.Route)
    for item in ITEMS:
        yield ("ons4", item, "n"), tuple(("ons4", item, way) for way in ("better", "same", "worse"))


def _never_more() -> Iterator[tuple[CountName, CountName]]:
    for journey, contact in (("journey", "contact"), ("settled", "settled_contact")):
        yield from (((journey, later), (journey, sooner)) for sooner, later in pairwise(STEPS))
        yield (contact, ALL, "reached"), (journey, "referred")
        yield from (((contact, route, "reached"), (contact, route, "referred")) for route in v.Route)
    yield from ((("settled", step), ("journey", step)) for step in STEPS)
    for route in v.Route:
        yield from (
            (("settled_contact", route, what), ("contact", route, what)) for what in ("referred", "reached")
        )
    yield ("settled_contact", ALL, "reached"), ("contact", ALL, "reached")
    yield ("wait_met",), ("journey", "met")
    yield ("wait_met",), ("contact", ALL, "reached")
    yield from ((("needs", need), ("journey", "referred")) for need in v.Need)
    yield from ((("meetings", at, "missed"), ("meetings", at, ALL)) for at in (ALL, *LeadTime))
    yield ("follow_up", "due"), ("follow_up", "before")
    yield ("follow_up", "later"), ("follow_up", "before")
    yield ("follow_up", "paired"), ("follow_up", "due")
    yield from ((("ons4", item, "n"), ("follow_up", "paired")) for item in ITEMS)


_BREAKDOWNS: Final = tuple(_breakdowns())
_NEVER_MORE: Final = tuple(_never_more())
