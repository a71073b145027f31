"""The differences between the declaration and what a broker holds: pure, in a fixed order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared.contract.events.topics import RESERVED_SLUGS
from shared.platform.access.cluster import Held
from shared.platform.access.declaration import DEMO, Declaration, Grant, Quota

# Settings of a broker that identity and the order of records rest on, with the values that do.
EXPECTED_SETTINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "group.consumer.assignors": ("range",),
    "group.consumer.migration.policy": ("disabled",),
    "transaction.max.timeout.ms": tuple(str(seconds * 1000) for seconds in range(1, 61)),
    "auto.create.topics.enable": ("false",),
}
AUTHORIZER: Final = "authorizer.class.name"
SUPER_USERS: Final = "super.users"
SETTINGS: Final = (*EXPECTED_SETTINGS, AUTHORIZER, SUPER_USERS)
_ANONYMOUS: Final = "User:ANONYMOUS"
_DEFAULT_USER: Final = "<default>"


@dataclass(frozen=True)
class Difference:
    """The changes that make a broker hold the declaration. Rights of others on other names are left alone."""

    users: tuple[str, ...] = ()
    grants: tuple[Grant, ...] = ()
    quotas: tuple[Quota, ...] = ()
    withdrawn_users: tuple[str, ...] = ()
    withdrawn_grants: tuple[Grant, ...] = ()
    lifted_quotas: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if nothing is to be changed."""
        return self == Difference()

    def lines(self) -> Iterator[str]:
        """One line a change: what to add with a plus, what to take away with a minus."""
        yield from (f"+ user {user}" for user in self.users)
        yield from (f"+ {in_words(grant)}" for grant in self.grants)
        for quota in self.quotas:
            yield (
                f"+ {quota.user} at most {quota.producer_bytes} B/s in, {quota.consumer_bytes} B/s out, "
                f"{quota.request_percentage}% of a thread"
            )
        yield from (f"- {in_words(grant)}" for grant in self.withdrawn_grants)
        yield from (f"- quota of {user}" for user in self.lifted_quotas)
        yield from (f"- user {user}" for user in self.withdrawn_users)


def in_words(grant: Grant) -> str:
    """A grant as an operator reads it: a prefix ends in a star."""
    name = f"{grant.name}*" if grant.pattern == "prefixed" else grant.name
    return f"{grant.user} {grant.operation} {grant.resource} {name}"


def compare(declared: Declaration, held: Held, *, with_users: bool = True) -> Difference:
    """The changes that make the broker hold the declaration.

    `with_users` is False where users are kept elsewhere, such as by certificates.
    """
    first_words = _first_words(declared)
    partners = {user for user in held.users if _is_partner(user, declared)}
    gone = (partners | (held.users & {DEMO})) - set(declared.users)
    wanted = {quota.user: quota for quota in declared.quotas}
    limits = {quota.user: quota for quota in held.quotas}
    withdrawn = [
        grant
        for grant in held.grants - set(declared.grants)
        if grant.user in (*declared.users, *gone) or _concerns(grant, first_words)
    ]
    return Difference(
        users=tuple(user for user in declared.users if user not in held.users) if with_users else (),
        grants=tuple(sorted(set(declared.grants) - held.grants)),
        quotas=tuple(quota for user, quota in wanted.items() if limits.get(user) != quota),
        withdrawn_users=tuple(sorted(gone)) if with_users else (),
        withdrawn_grants=tuple(sorted(withdrawn, key=_writing_first)),
        lifted_quotas=tuple(
            sorted(user for user in limits if user not in wanted and user in (*declared.users, *gone))
        ),
    )


def settings_findings(held: Held) -> Iterator[str]:
    """Settings of the broker that break what the declaration rests on. An unknown setting is no finding."""
    for name, values in EXPECTED_SETTINGS.items():
        value = held.settings.get(name)
        if value is not None and value not in values:
            yield f"{name} is {value}, and must be {values[-1]}"
    if held.settings.get(AUTHORIZER) == "":
        yield f"{AUTHORIZER} is not set, so that nobody's rights are checked"
    if _ANONYMOUS in (held.settings.get(SUPER_USERS) or ""):
        yield f"{SUPER_USERS} names {_ANONYMOUS}: whoever connects without a user may do everything"
    yield from (f"a right that no declaration has: {words}" for words in held.foreign)
    for quota in held.quotas:
        if quota.user == _DEFAULT_USER:
            yield "every user has a quota: one that delays our services delays every locality"


def _first_words(declared: Declaration) -> frozenset[str]:
    """The first words of all names that are ours: the slugs, and those of private topics."""
    groups = {grant.name for grant in declared.grants if grant.resource == "group"}
    return frozenset({name.partition(".")[0] for name in groups} | RESERVED_SLUGS) - {"*"}


def _is_partner(user: str, declared: Declaration) -> bool:
    first, dot, _ = user.partition(".")
    return bool(dot) and first in _first_words(declared)


def _concerns(grant: Grant, first_words: frozenset[str]) -> bool:
    if grant.resource == "cluster":
        return False
    if grant.pattern == "prefixed":
        return any(
            f"{word}.".startswith(grant.name) or grant.name.startswith(f"{word}.") for word in first_words
        )
    return grant.name == "*" or grant.name.partition(".")[0] in first_words


def _writing_first(grant: Grant) -> tuple[bool, Grant]:
    """Rights to write topics are withdrawn first: what was written by then is all there will be."""
    return (not (grant.resource == "topic" and grant.operation in ("write", "all")), grant)
