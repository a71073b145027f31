"""Settings of a run: where Kafka is, which part is tried, and how it is reached."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# Names of sources, as the contract forms them.
OURS: Final = "linkwork"


@dataclass(frozen=True)
class Kafka:
    """The connection to Kafka: without a user, plaintext."""

    bootstrap: str
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ca_file: str = ""

    def arguments(self) -> dict[str, Any]:
        """The arguments of a client of aiokafka."""
        found: dict[str, Any] = {"bootstrap_servers": self.bootstrap}
        if self.user:
            found |= {
                "security_protocol": "SASL_SSL" if self.tls else "SASL_PLAINTEXT",
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
        elif self.tls:
            found["security_protocol"] = "SSL"
        if self.tls:
            found["ssl_context"] = ssl.create_default_context(cafile=self.ca_file or None)
        return found


@dataclass(frozen=True)
class Settings:
    """One run of the kit.

    Attributes:
        source: the source in whose name the part speaks.
        inbox: the part writes an inbox, and the kit admits.
        api: base address of the part's operations; empty if it has none.
        hands: address of the adapter that does what people would do at the part; empty for none.
        start, wipe: commands that start the part and forget what it keeps; empty for a part that runs.
        settle: seconds after which silence is believed.
        patience: the factor of all limits.
        make: the command of `make` that runs the kit, as a report names it; empty for the kit's own.
        day: the hours in London between which a person may be written to.
    """

    kafka: Kafka
    part: str
    locality: str = "sandbox"
    practice: str = "Z00001"
    other_locality: str = ""
    other_practice: str = ""
    source: str = ""
    inbox: bool = False
    api: str = ""
    hands: str = ""
    start: str = ""
    wipe: str = ""
    ready: str = ""
    listen: int = 0
    settle: float = 3.0
    patience: float = 1.0
    seed: int = 1
    at_once: int = 12
    partitions: int = 6
    day: tuple[int, int] = (8, 20)
    environment: Mapping[str, str] = field(default_factory=dict)
    make: str = ""

    @property
    def speaks_as(self) -> str:
        """The source of the part's events."""
        return self.source or f"/{self.locality}/{self.part}"

    @property
    def name(self) -> str:
        """The name of the part's owner: the last word of its source, or ours."""
        word = self.speaks_as.rpartition("/")[2]
        return OURS if word == self.part else word

    @property
    def localities(self) -> dict[str, str]:
        """The localities of the run, each with a practice."""
        found = {self.locality: self.practice}
        if self.other_locality:
            found[self.other_locality] = self.other_practice
        return found
