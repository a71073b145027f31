"""An issuer's own values for roles, and what each gives here."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from shared.platform.web.granted import NoRole
from shared.platform.web.principal import NO_PEOPLE, Role

_LOCALITY: Final = re.compile(r"[a-z][a-z-]{1,40}")
_PRACTICE: Final = re.compile(r"[A-Z0-9]{3,8}")
_WRONG: Final = (
    "LINKWORK_SIGN_IN_ROLES is written value=role@place+place, value=role: roles of people, and places that "
    "are localities or practices."
)


@dataclass(frozen=True, slots=True)
class Given:
    """The rights that one value of the issuer gives. Without places, they follow from the organisation."""

    role: str
    localities: frozenset[str]
    practices: frozenset[str]


@dataclass(frozen=True, slots=True)
class RoleValues:
    """The values of LINKWORK_SIGN_IN_ROLES."""

    given: Mapping[str, Given]

    @classmethod
    def of(cls, setting: str) -> "RoleValues":
        """Reads `value=role@place+place, value=role`. Raises ValueError, which quotes nothing."""
        given: dict[str, Given] = {}
        for part in filter(None, (part.strip() for part in setting.split(","))):
            value, _, gives = part.partition("=")
            role, _, named = gives.strip().partition("@")
            places = frozenset(filter(None, named.split("+")))
            localities = frozenset(place for place in places if _LOCALITY.fullmatch(place))
            practices = frozenset(place for place in places if _PRACTICE.fullmatch(place))
            if (
                not value.strip()
                or value.strip() in given
                or role not in set(get_args(Role)) - NO_PEOPLE
                or places != localities | practices
            ):
                raise ValueError(_WRONG)
            given[value.strip()] = Given(role, localities, practices)
        return cls(given)

    def claims(self, values: Iterable[str]) -> dict[str, Any]:
        """Role and places that these values give together, as `principal_of` reads them.

        Raises:
            NoRole: they give none, or several. A person works in one role here.
        """
        found = [self.given[value] for value in values if value in self.given]
        if len({each.role for each in found}) != 1:
            raise NoRole("several_roles" if found else "no_role")
        return {
            "role": found[0].role,
            "localities": sorted(frozenset().union(*(each.localities for each in found))),
            "practices": sorted(frozenset().union(*(each.practices for each in found))),
        }
