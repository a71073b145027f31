"""The programme's localities as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Final

from shared.contract.authority import TABLE, SourceRole, Table
from shared.contract.events import topics
from shared.platform.localities.notices import Notice
from shared.platform.localities.rules import USUAL, ProgrammeRules

# The parts of a locality that a partner may bring itself.
PARTS = topics.SOURCE_PARTS
OURS = "linkwork"
# The part of a source that brings none of ours, but says things beside them.
PARTNER: Final = "partner"
# A source whose people are in this programme's own referral service.
OWN_VAULT = "own"
# The rank of a source that the file does not name: below every source that it does.
UNKNOWN_RANK = 0


class NoSuchLocality(LookupError):
    """A setting names no locality that there is; the sentence says which there are."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact to ring or write to. Organisations and desks only, never a private person."""

    name: str
    telephone: str
    email: str


@dataclass(frozen=True, slots=True)
class Practice:
    """A GP practice: `locality` is None outside the programme, `position` is (lat, lon) in degrees.

    `mailbox` is the practice's own address for what becomes of its referrals; None where none is known.
    """

    ods: str
    name: str
    site: str
    postcode: str
    position: tuple[float, float] | None
    locality: str | None
    mailbox: str | None = None

    @property
    def display_name(self) -> str:
        """Site and code, as staff tell practices apart: three of them share one building."""
        return f"{self.site}, {self.ods}"


@dataclass(frozen=True, slots=True)
class Source:
    """A source of events: `source` as in events, `rank` (higher wins), `vault` "own" or an https address.

    `api`: the address of a partner's operations, for the part that its source brings. `pages`: the address to
    which people go there.
    """

    source: str
    part: str
    rank: int
    vault: str
    api: str | None = None
    pages: str | None = None

    @property
    def name(self) -> str:
        """The name in its locality, by which it owns a part."""
        return self.source.rpartition("/")[2]

    @property
    def brings(self) -> topics.SourcePart | None:
        """The part that this source of a partner brings; None for ours, and for one beside our parts."""
        if topics.our_parts(self.source):
            return None
        return next((part for part in PARTS if part == self.part), None)


@dataclass(frozen=True, slots=True)
class Claim:
    """A hand-over under way: `to` is to own the part, `since` is when the hand-over began."""

    to: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Locality:
    """One locality: its practices, who answers for it, and who may say things about it.

    `text_sender`: the name that messages to people begin with; None for the name of their practice.
    `sandbox`: everything in it is invented, and is forgotten after a week.
    """

    slug: str
    name: str
    place: str
    live_from: date
    data_controller: str
    employer: str
    privacy_notice: str
    minimum_age: int
    younger_people: Contact
    safeguarding: Contact
    practices: tuple[Practice, ...]
    sources: Mapping[str, Source] = field(hash=False)
    owners: Mapping[str, str] = field(hash=False)
    text_sender: str | None = None
    epochs: Mapping[str, int] = field(default_factory=dict, hash=False)
    handing_over: Mapping[str, Claim] = field(default_factory=dict, hash=False)
    sandbox: bool = False

    def live_on(self, day: date) -> bool:
        """True if the locality took referrals on that day."""
        return self.live_from <= day

    def owner(self, part: str) -> str:
        """The owner of a part here: the name of a source that brings it, or "linkwork"."""
        return self.owners.get(part, OURS)

    def epoch(self, part: str) -> int:
        """The epoch of a part here: 0, and one more with each hand-over."""
        return self.epochs.get(part, 0)

    def claim(self, part: str) -> Claim | None:
        """The hand-over of a part that is under way here."""
        return self.handing_over.get(part)

    def address(self, part: str) -> str | None:
        """The address of a part's operations; None if the part is ours, or its owner answers none."""
        found = self.source_named(self.owner(part))
        return found.api if found else None

    def source_named(self, name: str) -> Source | None:
        """The source of this name."""
        return self.sources.get(f"/{self.slug}/{name}")

    def rank(self, source: str) -> int:
        """The rank of an event's source; one that the file does not name ranks below all that it does."""
        found = self.sources.get(source)
        return found.rank if found else UNKNOWN_RANK

    def parts(self, source: str) -> frozenset[topics.SourcePart]:
        """The parts for which an event's source speaks here, whoever owns them now."""
        found = self.sources.get(source)
        if found is None or found.brings is None:
            return topics.our_parts(source)
        return frozenset({found.brings})

    def roles(self, source: str) -> frozenset[SourceRole]:
        """As what an event's source is named here; nothing if it is not named."""
        found = self.sources.get(source)
        if found is None:
            return frozenset()
        return topics.OUR_SOURCES.get(found.part) or frozenset({PARTNER})

    def partners(self) -> tuple[str, ...]:
        """Sources that are not ours: each has an inbox, and says things through admission only."""
        return tuple(name for name in self.sources if not topics.our_parts(name))

    def vault(self, source: str) -> str | None:
        """The vault of the person behind a source's referral; None if the source is not registered."""
        found = self.sources.get(source)
        return found.vault if found else None


@dataclass(frozen=True, slots=True)
class _Table:
    """One whole table. It never changes, so that a look-up sees nothing half done."""

    name: str
    hub: Contact
    by_slug: Mapping[str, Locality]
    practices: Mapping[str, Practice]
    version: int
    fold_rules: Mapping[str, int]
    rules: Table
    programme_rules: ProgrammeRules
    notices: tuple[Notice, ...]


class Localities:
    """The table in force: look-ups go to the current one, which `become` replaces in one assignment.

    Keep this object, and ask it each time. A copy of a value that it gave is of yesterday's table tomorrow.
    Look-ups by practice forgive case and spaces round an ODS code.
    """

    def __init__(
        self,
        name: str,
        hub: Contact,
        localities: tuple[Locality, ...],
        outside: tuple[Practice, ...],
        *,
        version: int = 0,
        fold_rules: Mapping[str, int] = MappingProxyType({}),
        rules: Table = TABLE,
        programme_rules: ProgrammeRules = USUAL,
        notices: tuple[Notice, ...] = (),
    ) -> None:
        """`version` is 0 for a table of a file; `fold_rules` see `fold_rules_version`."""
        inside = (practice for locality in localities for practice in locality.practices)
        self._table = _Table(
            name,
            hub,
            MappingProxyType({one.slug: one for one in localities}),
            MappingProxyType({practice.ods: practice for practice in (*outside, *inside)}),
            version,
            fold_rules,
            rules,
            programme_rules,
            notices,
        )

    @classmethod
    def unread(cls) -> Localities:
        """A table that nothing stands in, until `become`."""
        return cls("", Contact("", "", ""), (), ())

    def become(self, other: Localities) -> None:
        """Takes the other's table as the current one."""
        self._table = other._table

    def numbered(self, version: int, fold_rules: Mapping[str, int]) -> Localities:
        """The same table under a version's number."""
        practices = tuple(self._table.practices.values())
        since = MappingProxyType(dict(fold_rules))
        return Localities(
            self.name,
            self.hub,
            tuple(self),
            practices,
            version=version,
            fold_rules=since,
            rules=self.rules,
            programme_rules=self.programme_rules,
            notices=self.notices,
        )

    @property
    def name(self) -> str:
        """The programme's name."""
        return self._table.name

    @property
    def hub(self) -> Contact:
        """The programme's central contact."""
        return self._table.hub

    @property
    def by_slug(self) -> Mapping[str, Locality]:
        """The localities, in the order of the table."""
        return self._table.by_slug

    @property
    def version(self) -> int:
        """The number of the version in force; 0 for the table of a file."""
        return self._table.version

    @property
    def rules(self) -> Table:
        """The table of who may say what, as admission judges it."""
        return self._table.rules

    @property
    def programme_rules(self) -> ProgrammeRules:
        """The programme's rules: misses, reminders, travel, nudges and reviews."""
        return self._table.programme_rules

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The notices of the table, past and coming ones among them."""
        return self._table.notices

    def fold_rules_version(self, slug: str) -> int:
        """The version since which what the fold of this locality depends on is as it is now."""
        return self._table.fold_rules.get(slug, 0)

    @property
    def slugs(self) -> tuple[str, ...]:
        """All slugs, in the order of the file."""
        return tuple(self.by_slug)

    def __iter__(self) -> Iterator[Locality]:
        return iter(self.by_slug.values())

    @property
    def real(self) -> tuple[Locality, ...]:
        """The localities with real people, in the order of the file: all that are no sandbox."""
        return tuple(locality for locality in self if not locality.sandbox)

    def is_sandbox(self, slug: str) -> bool:
        """True if this locality is a sandbox. A locality that the table does not know is none."""
        locality = self.by_slug.get(slug)
        return locality is not None and locality.sandbox

    def practice(self, ods: str) -> Practice | None:
        """A practice that we know, in the programme or outside it; None for an unknown code."""
        return self._table.practices.get(ods.strip().upper())

    def of_practice(self, ods: str) -> Locality | None:
        """The locality a practice belongs to; None where it is unknown or outside (see `practice`)."""
        practice = self.practice(ods)
        return self.by_slug[practice.locality] if practice and practice.locality else None

    def partners(self) -> tuple[str, ...]:
        """The sources of all localities that are not ours."""
        return tuple(source for locality in self for source in locality.partners())

    def rank(self, source: str) -> int:
        """The rank of an event's source, by the locality in whose name it speaks."""
        locality = self.by_slug.get(topics.locality_of_source(source) or "")
        return locality.rank(source) if locality else UNKNOWN_RANK

    def parts(self, source: str) -> frozenset[topics.SourcePart]:
        """The parts for which an event's source speaks, by the locality in whose name it does."""
        locality = self.by_slug.get(topics.locality_of_source(source) or "")
        return locality.parts(source) if locality else topics.our_parts(source)

    def roles(self, source: str) -> frozenset[SourceRole]:
        """As what an event's source is named, by the locality in whose name it speaks."""
        locality = self.by_slug.get(topics.locality_of_source(source) or "")
        return locality.roles(source) if locality else frozenset()

    def served(self, wanted: str) -> tuple[Locality, ...]:
        """The localities of a setting such as "all" or "meir, leek-werrington", in the order of the file.

        Raises NoSuchLocality, naming the slug, where one does not exist, or where none is named.
        """
        if wanted.strip().lower() == "all":
            return tuple(self.by_slug.values())
        slugs = {slug.strip().lower() for slug in wanted.split(",") if slug.strip()}
        unknown = sorted(slugs - set(self.slugs))
        if unknown:
            raise NoSuchLocality(f"There is no locality {unknown[0]}. There are: {', '.join(self.slugs)}.")
        if not slugs:
            raise NoSuchLocality('No locality is named. Say "all", or slugs with commas between them.')
        return tuple(one for one in self.by_slug.values() if one.slug in slugs)
