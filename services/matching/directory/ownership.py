"""The localities whose directory is ours, among those of a caller."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.platform.localities import Localities
from shared.platform.web.owners import Owner, Owners
from shared.platform.web.principal import Principal


@dataclass(frozen=True, slots=True)
class DirectoryOwnership:
    """Who keeps the directory of which locality, by the table in force."""

    localities: Localities
    owners: Owners

    def require(self, localities: Iterable[str]) -> None:
        """Raises a Problem, 409 `not_owner`, if one of these directories has another owner."""
        for slug in localities:
            self.owners.require_ours("directory", slug)

    def require_any(self, caller: Principal) -> None:
        """Raises a Problem, 409 `not_owner`, if every directory of the caller's has another owner."""
        theirs = self._of(caller)
        if theirs and not self.ours(caller):
            self.require(theirs)

    def ours(self, caller: Principal) -> frozenset[str]:
        """Those of the caller's localities whose directory is ours."""
        return frozenset(
            slug for slug in self._of(caller) if self.owners.elsewhere("directory", slug) is None
        )

    def all_ours(self) -> bool:
        """True if no directory of the programme has another owner."""
        return all(self.owners.elsewhere("directory", slug) is None for slug in self.localities.slugs)

    def elsewhere(self, caller: Principal) -> list[tuple[str, Owner]]:
        """The names of the caller's localities whose directory has another owner, with that owner."""
        return [
            (place.name, owner)
            for place in self.localities
            if caller.may_locality(place.slug) and (owner := self.owners.elsewhere("directory", place.slug))
        ]

    def _of(self, caller: Principal) -> list[str]:
        return [slug for slug in self.localities.slugs if caller.may_locality(slug)]
