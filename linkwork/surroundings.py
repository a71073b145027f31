"""Where broker and database are: as the environment says, else those of the run in `.linkwork/`."""

import getpass
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from linkwork.problem import CommandError
from shared.contract.events.topics import Part
from shared.platform.localities import LOCALITIES_FILE

_DEVELOPMENT_KEY = "development-only-dead-letter-key-01"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Config:
    """What every command needs to know. `repr` tells no secret and no address with a password in it."""

    kafka_bootstrap: str
    mongo_url: str
    localities_file: Path
    own_database: str = ""
    """The one database that the environment names, or empty: each service has its own by its name."""
    key: bytes = b""
    """The dead-letter key; empty where there is none."""
    operator: str = ""

    def __repr__(self) -> str:
        return f"Surroundings({self.kafka_bootstrap!r})"

    def database(self, service: Part) -> str:
        return self.own_database or f"linkwork_{service}"

    def dead_letter_key(self) -> bytes:
        """The key that dead letters are sealed with.

        Raises:
            CannotDo: there is none here.
        """
        if not self.key:
            raise CommandError(
                "LINKWORK_DEAD_LETTER_KEY is not set: without it no dead letter can be opened."
            )
        return self.key


def read_config(environment: Mapping[str, str], here: Path) -> Config:
    """Reads the environment; where it names neither store, the run whose folder is `here`/.linkwork.

    Raises:
        CannotDo: only one of the two is named, or there is no run, or it has been stopped.
    """
    given = {name: environment.get(f"LINKWORK_{name}", "") for name in ("KAFKA_BOOTSTRAP", "MONGO_URL")}
    operator = environment.get("LINKWORK_OPERATOR") or _login()
    localities = Path(environment.get("LINKWORK_LOCALITIES_FILE") or LOCALITIES_FILE)
    if all(given.values()):
        development = _DEVELOPMENT_KEY if environment.get("LINKWORK_ENV") == "development" else ""
        return Config(
            kafka_bootstrap=given["KAFKA_BOOTSTRAP"],
            mongo_url=given["MONGO_URL"],
            localities_file=localities,
            own_database=environment.get("LINKWORK_DATABASE", ""),
            key=(environment.get("LINKWORK_DEAD_LETTER_KEY") or development).encode(),
            operator=operator,
        )
    if any(given.values()):
        missing = next(name for name, value in given.items() if not value)
        raise CommandError(f"LINKWORK_{missing} is not set, and the other of the two stores is.")
    folder = Path(environment.get("LINKWORK_STATE") or here / ".linkwork")
    try:
        ports = json.loads((folder / "ports.json").read_text())
        secrets = json.loads((folder / "secrets").read_text())
        if not (folder / "processes").exists():  # there from a run's start to its end
            raise CommandError("The run in .linkwork here has been stopped: start it again with `make run`.")
        return Config(
            kafka_bootstrap=f"{_LOOPBACK}:{ports['kafka']}",
            mongo_url=f"mongodb://{_LOOPBACK}:{ports['mongod']}/?directConnection=true",
            localities_file=localities,
            key=str(secrets["dead_letter_key"]).encode(),
            operator=operator,
        )
    except (OSError, KeyError, ValueError):
        raise CommandError(
            "LINKWORK_KAFKA_BOOTSTRAP and LINKWORK_MONGO_URL are not set, and there is no run in .linkwork "
            "here: set them, or start one with `make run`."
        ) from None


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return ""
