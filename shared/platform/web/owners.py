"""The owner of a part in a locality: where its operations are asked, and the name by which pages call it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.contract.events.topics import SOURCE_PARTS, SourcePart
from shared.platform.localities import OURS, OWN_VAULT, Localities
from shared.platform.web.problem import Problem
from shared.platform.web.service_client import ServiceUnavailable
from shared.platform.web.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner of a part that is not ours.

    Attributes:
        name: the name of its source, such as `booking-js`.
        address: of its operations; None if the table names none.
        pages: where people go; None if the table names no such address.
    """

    name: str
    address: str | None
    pages: str | None = None


class Owners:
    """Finds the owners by the table in force. Keep this object, and ask it each time.

    Args:
        ours: the addresses of our own services, by part.
    """

    def __init__(self, localities: Localities, ours: Mapping[SourcePart, str]) -> None:
        self._localities = localities
        self._ours = ours

    @classmethod
    def of(cls, localities: Localities, settings: ServiceSettings) -> "Owners":
        """The owners, with our own services at the addresses of the settings."""
        matching = settings.matching_url
        ours: dict[SourcePart, str] = {"referral": settings.referral_url}
        ours |= {"booking": matching, "casework": matching, "directory": matching}
        return cls(localities, ours)

    def elsewhere(self, part: SourcePart, locality: str) -> Owner | None:
        """The part's owner in a locality; None if it is ours. An unknown locality is ours."""
        there = self._localities.by_slug.get(locality)
        name = there.owner(part) if there else OURS
        if there is None or name == OURS:
            return None
        address, found = there.address(part), there.source_named(name)
        return Owner(name, address.rstrip("/") if address else None, found.pages if found else None)

    def handed_to(self, part: SourcePart, locality: str) -> str | None:
        """The name of the next owner while the part is handed over, `linkwork` for us. None otherwise."""
        there = self._localities.by_slug.get(locality)
        claim = there.claim(part) if there else None
        return None if claim is None else claim.to

    def address(self, part: SourcePart, locality: str) -> str:
        """The address at which the part's operations are asked.

        Raises:
            ServiceUnavailable: the table has no address of the owner.
        """
        owner = self.elsewhere(part, locality)
        address = self._ours.get(part) if owner is None else owner.address
        if address is None:
            raise ServiceUnavailable
        return address

    def ours(self, locality: str) -> frozenset[SourcePart]:
        """The parts of a locality that are ours."""
        return frozenset(part for part in SOURCE_PARTS if self.elsewhere(part, locality) is None)

    def keeps_people(self, source: str, locality: str) -> bool | None:
        """True if referral's owner keeps the people whom a source referred; None for an unknown source.

        Those of our own vault pass over with the part. A partner's vault is asked while the partner owns it.
        """
        there = self._localities.by_slug.get(locality)
        found = there.sources.get(source) if there else None
        if there is None or found is None:
            return None
        return found.vault == OWN_VAULT or found == there.source_named(there.owner("referral"))

    def require_ours(self, part: SourcePart, locality: str) -> None:
        """Raises a Problem, 409 `not_owner`, if the part has another owner in the locality."""
        owner = self.elsewhere(part, locality)
        if owner is not None:
            raise not_owner(part, owner)


def not_owner(part: SourcePart, owner: Owner) -> Problem:
    """The refusal of a part that has another owner: 409, with the owner's name and addresses.

    `address` is where a part asks, `pages` where a person goes.
    """
    named = {"address": owner.address, "pages": owner.pages}
    found: dict[str, Any] = {name: value for name, value in named.items() if value}
    detail = f"{owner.name} owns this part here. Ask it there."
    return Problem(409, code="not_owner", detail=detail, part=part, owner=owner.name, **found)
