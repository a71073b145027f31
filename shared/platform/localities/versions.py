"""The versions of the table, as the control topic holds them: one record is one whole version.

Which versions stand follows from the records and their order alone, so that every reader comes to the same
answer. The table in force is that of the highest number whose time has come.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from shared.platform.localities.document import Document, canonical
from shared.platform.localities.entries import Entry, LocalitiesError
from shared.platform.localities.loading import load_localities, localities_of
from shared.platform.localities.model import Localities, Locality
from shared.platform.localities.rules import step_days

EXPORT_SUFFIX: Final = ".jsonl"
_MOST_VERSIONS: Final = 1_000_000


class VersionRefused(ValueError):
    """A version that does not stand.

    Attributes:
        code: unreadable, conflicting, out_of_order, invalid_table, locality_removed, sandbox_changed or
            part_changed; of a publisher also empty, ownership_changed or hand_over_under_way.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class TableVersion:
    """One version of the table. `author` is opaque: no name, no address."""

    number: int
    author: str
    made_at: datetime
    in_force_from: datetime
    document: Document
    localities: Localities = field(compare=False, repr=False)

    def encoded(self) -> bytes:
        """The record of the control topic."""
        whole = {
            "version": self.number,
            "author": self.author,
            "made_at": self.made_at.isoformat(),
            "in_force_from": self.in_force_from.isoformat(),
            "table": self.document,
        }
        return canonical(whole).encode()

    def under_way(self) -> bool:
        """True if a part of any locality is being handed over."""
        return any(locality.handing_over for locality in self.localities)

    def superseded_by(self, later: TableVersion) -> bool:
        """True if this version's time had not come when the later one was made, and never comes."""
        return self.in_force_from > max(later.in_force_from, later.made_at)


def made_version(
    number: int, author: str, made_at: datetime, in_force_from: datetime, document: Document
) -> TableVersion:
    """A version of this document.

    Raises:
        VersionRefused: the document is no table.
    """
    try:
        table = localities_of(document, f"version {number}")
    except LocalitiesError as wrong:
        raise VersionRefused("invalid_table", str(wrong)) from None
    return TableVersion(
        number, author, made_at.astimezone(UTC), in_force_from.astimezone(UTC), document, table
    )


def read_version(record: bytes) -> TableVersion:
    """The version of a record.

    Raises:
        VersionRefused: it is no version, or its table does not hold together.
    """
    try:
        whole = Entry("record", json.loads(record))
        number = whole.whole("version", at_least=1, at_most=_MOST_VERSIONS)
        author, made_at = whole.text("author"), _moment(whole, "made_at")
        in_force_from, table = _moment(whole, "in_force_from"), whole.table("table")
        whole.done()
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise VersionRefused("unreadable", "record: it is not JSON.") from None
    except LocalitiesError as wrong:
        raise VersionRefused("unreadable", str(wrong)) from None
    return made_version(number, author, made_at, in_force_from, table)


def _moment(whole: Entry, key: str) -> datetime:
    try:
        read = datetime.fromisoformat(whole.text(key))
    except ValueError as wrong:
        raise LocalitiesError(f"record: {key} must be a time.") from wrong
    if read.tzinfo is None:
        raise LocalitiesError(f"record: {key} must have a time zone.")
    return read


class Versions:
    """The versions that stand, in ascending order of their numbers."""

    def __init__(self) -> None:
        self._known: dict[int, TableVersion] = {}

    def __iter__(self) -> Iterator[TableVersion]:
        return iter(self._known.values())

    @property
    def newest(self) -> TableVersion | None:
        """The version of the highest number, in force or not yet."""
        return self._known[max(self._known)] if self._known else None

    def offer(self, record: bytes) -> TableVersion:
        """Takes a record's version, if it stands, and gives it back. A repeat changes nothing.

        Raises:
            VersionRefused: it does not stand.
        """
        version = read_version(record)
        newest, known = self.newest, self._known.get(version.number)
        if known is not None:
            if known == version:
                return known
            raise VersionRefused("conflicting", f"Version {version.number} is known with other content.")
        if newest is not None and version.number < newest.number:
            raise VersionRefused(
                "out_of_order", f"Version {version.number} comes after version {newest.number}."
            )
        self._keeps_localities(version)
        stands = _with_fold_rules(version, newest)
        self._known[version.number] = stands
        return stands

    def in_force(self, now: datetime) -> TableVersion | None:
        """The version of the highest number whose time has come; the first, if no time has come."""
        come = [version for version in self if version.in_force_from <= now]
        return come[-1] if come else next(iter(self), None)

    def never_held(self, version: TableVersion) -> bool:
        """True if a later version ended this one before its time."""
        return any(later.number > version.number and version.superseded_by(later) for later in self)

    def standing(self, now: datetime) -> TableVersion | None:
        """The version that a change at once follows: in force, or made for at once by another clock."""
        made = [each for each in self if each.in_force_from <= max(now, each.made_at)]
        return made[-1] if made else None

    def _keeps_localities(self, version: TableVersion) -> None:
        for former in self:
            self._keeps_sandboxes(version, former)
            self._keeps_parts(version, former)
            gone = sorted(set(former.localities.slugs) - set(version.localities.slugs))
            if gone and not former.superseded_by(version):
                raise VersionRefused(
                    "locality_removed",
                    f"Version {version.number} has no locality {gone[0]}, which version {former.number} has: "
                    "its referrals would belong nowhere.",
                )

    @staticmethod
    def _keeps_sandboxes(version: TableVersion, former: TableVersion) -> None:
        """Refuses that a locality becomes a sandbox, or ceases to be one: a sandbox forgets its referrals."""
        for locality in former.localities:
            now = version.localities.by_slug.get(locality.slug)
            if now is not None and now.sandbox != locality.sandbox:
                raise VersionRefused(
                    "sandbox_changed",
                    f"Version {version.number} changes whether {locality.slug} is a sandbox, whose referrals "
                    "are forgotten: give the sandbox a slug of its own.",
                )

    @staticmethod
    def _keeps_parts(version: TableVersion, former: TableVersion) -> None:
        """Refuses another part under a source's name: what it has said would count for that part."""
        if former.superseded_by(version):
            return
        for locality in former.localities:
            now = version.localities.by_slug.get(locality.slug)
            for source in locality.sources.values():
                found = now.sources.get(source.source) if now else None
                if found is not None and found.part != source.part:
                    raise VersionRefused(
                        "part_changed",
                        f"Version {version.number} gives {source.source} the part {found.part}, which was "
                        f"{source.part}: what it has said would count for another part. Give the source "
                        "another name.",
                    )


def fold_digest(locality: Locality) -> str:
    """A digest of what the fold of a locality's referrals depends on."""
    sources = sorted((source.source, source.rank, source.part) for source in locality.sources.values())
    return hashlib.sha256(canonical(sources).encode()).hexdigest()


def _with_fold_rules(version: TableVersion, former: TableVersion | None) -> TableVersion:
    """The version whose table knows, for each locality, since when its fold depends on the same."""
    rules: dict[str, int] = {}
    for slug, locality in version.localities.by_slug.items():
        before = former.localities.by_slug.get(slug) if former else None
        same = (
            former is not None
            and before is not None
            and fold_digest(before) == fold_digest(locality)
            and step_days(former.localities.programme_rules) == step_days(version.localities.programme_rules)
        )
        rules[slug] = former.localities.fold_rules_version(slug) if former and same else version.number
    return replace(version, localities=version.localities.numbered(version.number, rules))


def exported(versions: Iterable[TableVersion]) -> bytes:
    """The versions as a file: one line each, from which the topic can be published again."""
    return b"".join(version.encoded() + b"\n" for version in versions)


def read_export(path: Path) -> Versions:
    """The versions of an export.

    Raises:
        LocalitiesError: the file cannot be read, or holds a version that does not stand.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise LocalitiesError(f"{path.name} cannot be read: {error.strerror}.") from error
    versions = Versions()
    for number, line in enumerate(lines, start=1):
        try:
            versions.offer(line)
        except VersionRefused as refused:
            raise LocalitiesError(f"{path.name}, line {number}: {refused}") from None
    if versions.newest is None:
        raise LocalitiesError(f"{path.name}: there is no version.")
    return versions


def load_table(path: Path) -> Localities:
    """The table of a localities file, or that of the newest version of an export."""
    if path.suffix != EXPORT_SUFFIX:
        return load_localities(path)
    return list(read_export(path))[-1].localities
