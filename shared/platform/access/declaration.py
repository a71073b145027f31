"""The declaration: which users there are on the bus, what each may do, and how much.

A pure function of the localities. `linkwork access` compares it with a cluster and renders it there.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from shared.contract.events.topics import (
    ADMISSION_GROUP,
    CONTROL_TOPIC,
    INBOX,
    PARTS,
    REFUSALS,
    Part,
    dead_letter_topic,
    event_topics,
    group,
    inbox_topic,
    partner_source,
    refusals_topic,
)
from shared.platform.localities import Localities

Resource = Literal["topic", "group", "cluster", "transactional_id"]
Pattern = Literal["literal", "prefixed"]
Operation = Literal[
    "all", "read", "write", "create", "delete", "alter", "describe", "cluster_action", "describe_configs",
    "alter_configs", "idempotent_write",
]  # fmt: skip

CLUSTER: Final = "kafka-cluster"
ADMISSION: Final = "admission"
OPERATOR: Final = "operator"
DEMO: Final = "demo"
_EVERYTHING: Final = "*"


class Grant(NamedTuple):
    """One right: a user may do something on a resource, from every host."""

    user: str
    resource: Resource
    pattern: Pattern
    name: str
    operation: Operation


class Quota(NamedTuple):
    """The limits of a user for each broker and second; beyond it, the broker delays the answers.

    `request_percentage` is a share of one thread of the broker.
    """

    user: str
    producer_bytes: int
    consumer_bytes: int
    request_percentage: int


@dataclass(frozen=True)
class Declaration:
    """Users with their rights and quotas, each in a fixed order."""

    users: tuple[str, ...]
    grants: tuple[Grant, ...]
    quotas: tuple[Quota, ...]

    def digest(self) -> str:
        """The same for the same declaration, whatever process asks."""
        return hashlib.sha256(repr((self.users, self.grants, self.quotas)).encode()).hexdigest()


# A partner's burst may last: a day's referrals of a locality are less than one such second.
_PARTNER_LIMITS: Final = (1_000_000, 10_000_000, 50)


def declare(localities: Localities, *, demo: bool = False) -> Declaration:
    """The declaration for these localities. The user of the demo exists only where the demo plays."""
    slugs = localities.slugs
    partners = all_partners(localities)
    grants = [
        *(grant for part in PARTS for grant in _of_service(part, slugs)),
        *_of_admission(slugs),
        *_of_operator(),
        *(grant for partner in partners for grant in _of_partner(partner)),
        *(partner.speaks for partner in partners if may_speak(localities, partner)),
        *(_of_demo(slugs) if demo else ()),
    ]
    users = [*PARTS, ADMISSION, OPERATOR, *([DEMO] if demo else []), *(partner.user for partner in partners)]
    return Declaration(
        tuple(users),
        tuple(sorted(set(grants))),
        tuple(Quota(partner.user, *_PARTNER_LIMITS) for partner in partners),
    )


class Partner(NamedTuple):
    """A partner's source in one locality. Its user, topics and groups have the same name."""

    locality: str
    name: str

    @property
    def user(self) -> str:
        """The user, such as `meir.vast-hub`."""
        return f"{self.locality}.{self.name}"

    @property
    def inbox(self) -> str:
        """The topic that the partner writes."""
        return inbox_topic(partner_source(self.locality, self.name))

    @property
    def refusals(self) -> str:
        """The topic from which the partner learns what was refused."""
        return refusals_topic(partner_source(self.locality, self.name))

    @property
    def speaks(self) -> Grant:
        """The right to write the inbox."""
        return Grant(self.user, "topic", "literal", self.inbox, "write")

    @property
    def group_prefix(self) -> str:
        """The beginning of every consumer group and transaction of the partner."""
        return f"{self.user}."


def all_partners(localities: Localities) -> tuple[Partner, ...]:
    """The partners of all localities."""
    return tuple(Partner(*source.strip("/").split("/")) for source in localities.partners())


def may_speak(localities: Localities, partner: Partner) -> bool:
    """True unless the partner's source brings a part that it does not own, and is not being given."""
    there = localities.by_slug[partner.locality]
    found = there.source_named(partner.name)
    if found is None or found.brings is None:
        return True
    claim = there.claim(found.brings)
    return partner.name in (there.owner(found.brings), claim.to if claim else None)


def _of_service(part: Part, slugs: Iterable[str]) -> Iterator[Grant]:
    for slug in slugs:
        yield Grant(part, "topic", "prefixed", f"{slug}.", "read")
        yield Grant(part, "topic", "prefixed", f"{slug}.", "write")
        yield Grant(part, "group", "literal", group(slug, part), "read")
    yield Grant(part, "topic", "literal", dead_letter_topic(part), "write")
    yield Grant(part, "topic", "literal", CONTROL_TOPIC, "read")


def _of_admission(slugs: Iterable[str]) -> Iterator[Grant]:
    for slug in slugs:
        yield Grant(ADMISSION, "topic", "prefixed", f"{slug}.", "write")
        yield Grant(ADMISSION, "topic", "prefixed", f"{INBOX}.{slug}.", "read")
        # The API writes a partner's inbox for a partner without Kafka.
        yield Grant(ADMISSION, "topic", "prefixed", f"{INBOX}.{slug}.", "write")
        yield Grant(ADMISSION, "topic", "prefixed", f"{REFUSALS}.{slug}.", "write")
    yield Grant(ADMISSION, "group", "literal", ADMISSION_GROUP, "read")
    yield Grant(ADMISSION, "topic", "literal", dead_letter_topic("referral"), "write")
    yield Grant(ADMISSION, "topic", "literal", CONTROL_TOPIC, "read")


def _of_operator() -> Iterator[Grant]:
    yield Grant(OPERATOR, "cluster", "literal", CLUSTER, "all")
    yield Grant(OPERATOR, "topic", "literal", _EVERYTHING, "all")
    yield Grant(OPERATOR, "group", "literal", _EVERYTHING, "all")
    yield Grant(OPERATOR, "transactional_id", "literal", _EVERYTHING, "all")


def _of_demo(slugs: Iterable[str]) -> Iterator[Grant]:
    for slug in slugs:
        yield Grant(DEMO, "topic", "prefixed", f"{slug}.", "write")
        # A partner joins while the demo plays.
        yield Grant(DEMO, "topic", "prefixed", f"{INBOX}.{slug}.", "create")
        yield Grant(DEMO, "topic", "prefixed", f"{REFUSALS}.{slug}.", "create")
    # The demo publishes a version of the table while the services run.
    yield Grant(DEMO, "topic", "literal", CONTROL_TOPIC, "read")
    yield Grant(DEMO, "topic", "literal", CONTROL_TOPIC, "write")


def _of_partner(partner: Partner) -> Iterator[Grant]:
    for topic in event_topics(partner.locality):
        yield Grant(partner.user, "topic", "literal", topic, "read")
    yield Grant(partner.user, "topic", "literal", partner.refusals, "read")
    yield Grant(partner.user, "group", "prefixed", partner.group_prefix, "read")
    yield Grant(partner.user, "transactional_id", "prefixed", partner.group_prefix, "write")


__all__ = [
    "ADMISSION",
    "CLUSTER",
    "CONTROL_TOPIC",
    "DEMO",
    "OPERATOR",
    "Declaration",
    "Grant",
    "Operation",
    "Partner",
    "Pattern",
    "Quota",
    "Resource",
    "all_partners",
    "declare",
    "may_speak",
]
