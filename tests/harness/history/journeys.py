"""Strategies that make up journeys: sets of facts about one referral, sensible or not.

A fact is drawn as one whole number, so that a journey of forty costs little and shrinks well.
"""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Final, NamedTuple

from hypothesis import strategies as st

from shared.contract.authority import GUARDED
from shared.contract.events import outcomes as o
from shared.contract.events.envelope import Body, UnknownOutcome, event_of
from shared.contract.events.fact import Fact
from shared.contract.events.models import MeetingBooked, ReferralCreated
from shared.contract.history import ListedSources
from tests.harness.history.sayings import (
    BRINGING,
    LOCALITY,
    REFERRAL,
    SAYINGS,
    SOURCES,
    START,
    VARIANTS,
    ref,
    reopened,
    retracted,
)

__all__ = ["LOCALITY", "REFERRAL", "SOURCES", "START", "TABLE", "contested", "journeys", "ref"]
# Minutes by which a clock differs from the order of the ids: an hour at most.
_MINUTES: Final = (0, 1, -60, 60, 20, -59)
# The last six name other facts: three retract one, three reopen an ending.
_SHAPES: Final = len(SAYINGS) + 6
_ENDINGS: Final = (o.ReferralClosed, o.ReferralDeclined, o.ReferralReturned, o.ReferralWithdrawn)


# Shapes by which sources contradict each other about what counts: creations, meetings, guarded kinds,
# retractions.
_CONTESTED: Final = (
    *(at for at, said in enumerate(SAYINGS) if isinstance(said[0], (ReferralCreated, MeetingBooked))),
    *(at for at, said in enumerate(SAYINGS) if getattr(said[0], "kind", "") in GUARDED),
    *range(len(SAYINGS), _SHAPES),
)
# Matching's word counts more than a partner's.
TABLE: Final = ListedSources(
    {
        **dict.fromkeys(("/meir/matching", "/meir/booking", "/meir/casework", "/meir/directory"), 3),
        "/meir/referral": 2,
        "/meir/history": 1,
        **dict.fromkeys(BRINGING, 3),
    },
    BRINGING,
)


Key = tuple[str, str]


class _Drawn(NamedTuple):
    shape: int
    variant: int
    source: int
    minutes: int
    same_id: bool

    @classmethod
    def of(cls, code: int, sources: int) -> "_Drawn":
        code, same = divmod(code, 8)
        code, minutes = divmod(code, len(_MINUTES))
        code, source = divmod(code, sources)
        shape, variant = divmod(code, VARIANTS)
        return cls(shape, variant, source, minutes, same == 7)


def _highest(sources: Sequence[str]) -> int:
    return _SHAPES * VARIANTS * len(sources) * len(_MINUTES) * 8 - 1


# Beside those of the vectors, which were drawn before partners could own a part.
_EVERY_SOURCE: Final = (*SOURCES, *BRINGING)
_CODES = st.integers(0, _highest(_EVERY_SOURCE))


def _codes(most: int) -> st.SearchStrategy[list[int]]:
    """Short ones and long ones: a list is short on the average, whatever its bound."""
    return st.sampled_from([1, most // 4, most - 5]).flatmap(
        lambda least: st.lists(_CODES, min_size=max(least, 1), max_size=most)
    )


def journeys(most: int = 40) -> st.SearchStrategy[list[Fact]]:
    """Up to `most` facts about one referral: any kinds, contradictions, clocks an hour wrong.

    Every key is there once. Of two sources that say things under the same id each has said its own.
    """
    return _codes(most).map(lambda codes: _journey(codes, _EVERY_SOURCE))


def contested(most: int = 16) -> st.SearchStrategy[list[Fact]]:
    """Journeys of what counts or not: foreign sources, two creations, sequences left out, retractions."""
    return _codes(most).map(lambda codes: _journey(codes, _EVERY_SOURCE, _CONTESTED))


def journey_of_random(random: Random, length: int) -> list[Fact]:
    """A journey of this many facts, the same for the same state of `random`."""
    facts = _journey([random.randint(0, _highest(SOURCES)) for _ in range(length)], SOURCES)
    random.shuffle(facts)
    return facts


def _journey(codes: list[int], sources: Sequence[str], shapes: Sequence[int] = range(_SHAPES)) -> list[Fact]:
    drawn = [_Drawn.of(code, len(sources)) for code in codes]
    drawn = [each._replace(shape=shapes[each.shape % len(shapes)]) for each in drawn]
    if codes[0] % 4:  # Without a creation, no meeting counts.
        drawn[0] = drawn[0]._replace(shape=0, source=0)
    keys: list[Key] = []
    for number, each in enumerate(drawn):
        key = (sources[each.source], ref(100 + number))
        if each.same_id and keys and keys[-1][0] != key[0]:
            key = (key[0], keys[-1][1])
        if key in keys:
            key = (key[0], ref(100 + number))
        keys.append(key)
    said = [None if each.shape >= len(SAYINGS) else _saying(each) for each in drawn]
    endings = [key for key, body in zip(keys, said, strict=True) if isinstance(body, _ENDINGS)]
    facts = []
    for each, (source, identity), plain in zip(drawn, keys, said, strict=True):
        body = plain or _about_another(each, keys, endings or keys)
        moment = START + timedelta(minutes=_MINUTES[each.minutes])
        event = "outcome-recorded" if isinstance(body, UnknownOutcome) else event_of(body)
        facts.append(Fact(source, identity, event, moment, moment, body))
    return facts


def _saying(drawn: _Drawn) -> Body:
    of_a_kind = SAYINGS[drawn.shape]
    return of_a_kind[drawn.variant % len(of_a_kind)]


def _about_another(drawn: _Drawn, keys: Sequence[Key], endings: Sequence[Key]) -> Body:
    """A retraction of any fact of the journey, or a reopening, said before what it is about or after."""
    if drawn.shape % 2:
        return retracted(*keys[drawn.variant * 5 % len(keys)])
    return reopened(*endings[drawn.variant % len(endings)])


def is_about(said: Fact, other: Fact) -> bool:
    """True if this fact retracts the other, or undoes the ending that the other is."""
    if isinstance(said.body, o.Retracted):
        return (said.body.event_source, said.body.event_id) == other.key
    if isinstance(said.body, o.ReferralReopened):
        return (said.body.ends_source, said.body.ends_id) == other.key
    return False
