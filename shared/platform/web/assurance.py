"""The assurance that each role must have signed in with: the `acr` that their issuer gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from shared.platform.web.principal import NO_PEOPLE, Principal, Role


@dataclass(frozen=True, slots=True)
class Assurance:
    """The values of `acr` that suffice, by role. A role that is not named needs none."""

    wanted: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, setting: str) -> "Assurance":
        """Reads `role=acr acr, role=acr`.

        Raises:
            ValueError: a role is not one of people, or has no value.
        """
        wanted: dict[str, tuple[str, ...]] = {}
        for part in filter(None, (part.strip() for part in setting.split(","))):
            role, _, values = part.partition("=")
            if role.strip() not in set(get_args(Role)) - NO_PEOPLE or not values.split():
                raise ValueError(
                    "LINKWORK_ACR_BY_ROLE is written role=acr acr, role=acr, with roles of people."
                )
            wanted[role.strip()] = tuple(values.split())
        return cls(wanted)

    def values_for(self, role: str) -> tuple[str, ...]:
        """The values to ask the issuer for, the preferred first; empty if the role needs none."""
        return self.wanted.get(role, ())

    def suffices(self, caller: Principal) -> bool:
        """True if the caller's role needs nothing, or their sign-in has one of its values."""
        values = self.values_for(caller.role)
        return not values or not caller.acr.isdisjoint(values)
