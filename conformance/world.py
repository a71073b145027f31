"""Keeps the place of the other parts: people, link workers, owners, services, sent texts."""

from dataclasses import dataclass, field
from typing import Any, Final

from conformance.contract import PARTS
from conformance.roster import Roster

# Words that stand in the vault alone: an event or address that holds one has told of a person.
NAME: Final = "Wilhelmina Quartermain"
# Numbers that Ofcom keeps for invented people.
_TELEPHONES: Final = 1000
EMAIL: Final = "w.quartermain@conformance.example"
SECRETS: Final = ("Quartermain", "Wilhelmina", "7700900", "conformance.example")
SERVICE: Final = "0199c0de-5e00-7000-8000-000000000001"


@dataclass
class Owner:
    """The owner of a part: `linkwork` or a source's name, since an epoch."""

    owner: str
    epoch: int = 0
    claim: dict[str, Any] | None = None
    address: str | None = None


@dataclass
class World:
    """Everything that the kit answers about. The server reads it, the clauses change it."""

    rosters: dict[str, Roster]
    sources: list[dict[str, Any]] = field(default_factory=list)
    owners: dict[str, dict[str, Owner]] = field(default_factory=dict)
    # Fields by referral; None once erased.
    people: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    # The link worker of a referral.
    cases: dict[str, str] = field(default_factory=dict)
    texts: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    # Parts whose inbox has ended, and those that asked over HTTP that it ends.
    stopped: set[tuple[str, str]] = field(default_factory=set)
    ending: set[tuple[str, str]] = field(default_factory=set)
    away: bool = False

    def owner(self, locality: str, part: str) -> Owner:
        """The owner of a part."""
        return self.owners.setdefault(locality, {}).setdefault(part, Owner("linkwork"))

    def parts_answer(self, locality: str) -> dict[str, Any]:
        """The answer of `GET /api/contract/v1/parts`."""
        listed = []
        for part in PARTS:
            now = self.owner(locality, part)
            listed.append(
                {
                    "part": part,
                    "owner": now.owner,
                    "epoch": now.epoch,
                    "address": now.address,
                    "handing_over": now.claim,
                }
            )
        return {"table": "1", "locality": locality, "parts": listed}

    def enter_person(self, referral: str, *, safe: str = "yes") -> None:
        """Keeps an invented person behind a referral."""
        self.people[referral] = {
            "name": NAME,
            "given_name": NAME.split()[0],
            "family_name": NAME.split()[1],
            "telephone": f"+447700900{len(self.people) % _TELEPHONES:03}",
            "email": EMAIL,
            "safe_to_text": safe,
            "language": "en",
        }
