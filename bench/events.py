"""The records that every program of a comparison receives: ReferralCreated, some repeated, some added to.

Of 100 records 97 are of new referrals and one repeats an earlier record. Two are second facts about an
earlier referral (its GP refers again), as in a real topic.
"""

import random
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from shared.contract.events.envelope import Envelope, event_of
from shared.contract.events.models import ReferralAgreement, ReferralCreated
from shared.contract.events.topics import source
from shared.contract.events.vocabulary import AgeBand, AgreedBy, AgreedHow, Need, Risk, Route, SafeToText
from shared.platform.ids import new_id

REPEATS, SECOND_FACTS = 0.01, 0.02
_REMEMBERED = 5000
_PLACEHOLDER = "00000000-0000-7000-8000-00000000000"
_REFERRAL, _PERSON, _EVENT = (_PLACEHOLDER + digit for digit in "123")
_TIME = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
Headers = Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Record:
    """A record to be written; `new` marks the first of its referral."""

    key: bytes
    value: bytes
    headers: Headers
    new: bool


def records(locality: str, count: int, seed: int = 1, hexkit: bool = False) -> Iterator[Record]:
    """Makes this number of records for one locality. Ids differ each time; the seed decides the mixture.

    With `hexkit`, the records also have the headers that its subscriber expects.
    """
    chance = random.Random(seed)
    shapes = [_Shape(locality, chance, hexkit) for _ in range(64)]
    earlier: deque[Record] = deque(maxlen=_REMEMBERED)
    for _ in range(count):
        draw = chance.random() if earlier else 1.0
        if draw < REPEATS:
            again = chance.choice(earlier)
            yield Record(again.key, again.value, again.headers, new=False)
        elif draw < REPEATS + SECOND_FACTS:
            referral = chance.choice(earlier).key
            yield chance.choice(shapes).record(referral, new=False)
        else:
            record = chance.choice(shapes).record(new_id().encode(), new=True)
            earlier.append(record)
            yield record


def newcomers(locality: str, said: str | None = None, practice: str | None = None) -> Iterator[Record]:
    """Makes records of new referrals only, without end.

    `said` is their source, else our own; `practice` their practice, else any.
    """
    chance = random.Random(1)
    shapes = [_Shape(locality, chance, hexkit=False, said=said, practice=practice) for _ in range(64)]
    while True:
        yield chance.choice(shapes).record(new_id().encode(), new=True)


class _Shape:
    """A ReferralCreated that the models make and write once. Ids are inserted as text, 20 times as fast."""

    def __init__(
        self,
        locality: str,
        chance: random.Random,
        hexkit: bool,
        said: str | None = None,
        practice: str | None = None,
    ) -> None:
        body = ReferralCreated(
            referral_id=_REFERRAL,
            locality=locality,
            practice=practice or f"M83{chance.randrange(1000):03d}",
            person_ref=_PERSON,
            route=Route.PRACTICE,
            age_band=chance.choice(list(AgeBand)),
            needs=tuple(chance.sample(list(Need), chance.randint(1, 3))),
            agreement=ReferralAgreement(by=AgreedBy.PERSON, how=AgreedHow.IN_PERSON, at=_TIME),
            risk=Risk.NONE_KNOWN,
            contact=SafeToText.YES,
            outward_code=f"ST{chance.randint(1, 9)}",
        )
        raw = body.to_json()
        by = said or source(locality, "referral")
        envelope = Envelope(_EVENT, by, event_of(body), _TIME, _TIME, body, raw, _REFERRAL)
        self._value = raw
        self._headers = envelope.headers()
        if hexkit:  # its subscriber expects these
            self._headers += [
                ("type", b"referral_created"),
                ("correlation_id", str(uuid4()).encode()),  # of version 4, or it refuses the event
                ("event_id", _EVENT.encode()),
            ]

    def record(self, referral: bytes, new: bool) -> Record:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
        identity = new_id().encode()
        ids = {"ce_id": identity, "event_id": identity, "ce_time": now, "ce_recordedtime": now}
        referred = _REFERRAL.encode()
        headers = [
            (name, ids.get(name, referral if value == referred else value)) for name, value in self._headers
        ]
        value = self._value.replace(referred, referral).replace(_PERSON.encode(), new_id().encode())
        return Record(referral, value, headers, new)
