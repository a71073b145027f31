"""The rights of sources, as admission asks for them: the programme's table behind one small interface."""

from collections.abc import Container, Mapping
from typing import Protocol

from shared.contract.authority import Table, refusal_of
from shared.contract.events.envelope import Envelope
from shared.contract.events.fact import kind_of
from shared.contract.events.refusals import RefusalCode
from shared.contract.events.topics import locality_of_source
from shared.platform.localities import Localities, Locality, Source


class AdmissionTable(Protocol):
    """The table in force. It may change while a service runs, so ask it at each use."""

    @property
    def version(self) -> str:
        """The version, which a copy names."""

    def partners(self) -> tuple[str, ...]:
        """The sources that have an inbox."""

    def sources_in(self, localities: Container[str]) -> tuple[Source, ...]:
        """The sources of these localities. By their ranks a reader folds as our own services do."""

    def locality(self, slug: str) -> Locality | None:
        """A locality, with the owners of its parts."""

    def brings(self, source: str) -> bool:
        """True if the source is a partner's that brings a part, which it may own or not."""

    def refusal(self, event: Envelope) -> RefusalCode | None:
        """The reason why the event's source may not say it, or None if it may."""


class ProgrammeTable:
    """The table of the programme's localities."""

    def __init__(self, localities: Localities) -> None:
        self._localities = localities
        # The rules of the table in force, by the kind of fact.
        self._rules: Table = ()
        self._of_kind: Mapping[str, Table] = {}

    @property
    def version(self) -> str:
        """As AdmissionTable."""
        return str(self._localities.version)

    def partners(self) -> tuple[str, ...]:
        """As AdmissionTable."""
        return self._localities.partners()

    def sources_in(self, localities: Container[str]) -> tuple[Source, ...]:
        """As AdmissionTable."""
        found = (place for slug, place in self._localities.by_slug.items() if slug in localities)
        return tuple(source for place in found for source in place.sources.values())

    def locality(self, slug: str) -> Locality | None:
        """As AdmissionTable."""
        return self._localities.by_slug.get(slug)

    def brings(self, source: str) -> bool:
        """As AdmissionTable."""
        there = self.locality(locality_of_source(source) or "")
        found = there.sources.get(source) if there else None
        return found is not None and found.brings is not None

    def refusal(self, event: Envelope) -> RefusalCode | None:
        """As AdmissionTable."""
        locality = self._localities.by_slug.get(event.body.locality)
        practices = {practice.ods for practice in locality.practices} if locality else ()
        code = refusal_of(event, self._rules_for(event), self._localities.roles, practices)
        return None if code is None else RefusalCode(code)

    def _rules_for(self, event: Envelope) -> Table:
        """The rules of this kind of fact: to look for them among all takes a fifth of a judgement."""
        rules = self._localities.rules
        if rules is not self._rules:
            kinds = {rule.kind for rule in rules}
            self._of_kind = {kind: tuple(rule for rule in rules if rule.kind == kind) for kind in kinds}
            self._rules = rules
        return self._of_kind.get(kind_of(event.event, event.body), ())
