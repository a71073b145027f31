"""Addresses of broker and database, from the environment or from the run in `.linkwork/`."""

import getpass
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from linkwork.errors import CommandError
from shared.contract.events.topics import CONTROL_TOPIC, PARTS, Part
from shared.delivery.kafka.topics import PARTITIONS
from shared.platform.access.declaration import OPERATOR
from shared.platform.access.users import USERS_FOLDER
from shared.platform.kafka_connection import BadKafkaSettings, KafkaConnection, connection_from
from shared.platform.localities import LOCALITIES_FILE

_DEVELOPMENT_KEY = "development-only-dead-letter-key-01"
_LOOPBACK = "127.0.0.1"
# Keys beside the dead letter key, and where a token is that holds some.
_KEYS = (
    *("session_key", "magic_link_key", "master_key", "master_key_file", "index_key"),
    *("pkcs11_module", "pkcs11_pin", "pkcs11_pin_file"),
)


@dataclass(frozen=True)
class Config:
    """The configuration of every command. `repr` shows no secret and no address that may hold a password."""

    kafka: KafkaConnection
    mongo_url: str
    localities_file: Path
    # The one database that the environment names. If empty, each service has a database of its own name.
    own_database: str = ""
    # The dead-letter key; empty if the environment has none.
    key: bytes = b""
    # Other keys as the environment lists them, by setting, such as `master_key`. Unset ones are left out.
    keys: Mapping[str, str] = field(default_factory=dict)
    operator: str = ""
    control_topic: str = CONTROL_TOPIC
    # The names of databases that are not called after their service.
    databases: Mapping[Part, str] = field(default_factory=dict)
    # A hand-over begins only with a report of the conformance kit that the new owner has passed.
    needs_report: bool = False
    # Of topics that a command makes.
    partitions: int = PARTITIONS
    replication: int = 1

    def __repr__(self) -> str:
        return f"Config({self.kafka.bootstrap!r})"

    def database(self, service: Part) -> str:
        """The name of a service's database."""
        return self.databases.get(service) or self.own_database or f"linkwork_{service}"

    def dead_letter_key(self) -> bytes:
        """The key that seals dead letters.

        Raises:
            CommandError: the environment has none.
        """
        if not self.key:
            raise CommandError(
                "LINKWORK_DEAD_LETTER_KEY is not set: without it no dead letter can be opened."
            )
        return self.key


def read_config(environment: Mapping[str, str], here: Path) -> Config:
    """Reads the environment. If it names neither store, reads the run whose folder is `here`/.linkwork.

    Raises:
        CommandError: the environment names only one store, or there is no run, or the run was stopped.
    """
    given = {name: environment.get(f"LINKWORK_{name}", "") for name in ("KAFKA_BOOTSTRAP", "MONGO_URL")}
    operator = environment.get("LINKWORK_OPERATOR") or _login()
    control_topic = environment.get("LINKWORK_CONTROL_TOPIC") or CONTROL_TOPIC
    localities = Path(environment.get("LINKWORK_LOCALITIES_FILE") or LOCALITIES_FILE)
    if all(given.values()):
        development = _DEVELOPMENT_KEY if environment.get("LINKWORK_ENV") == "development" else ""
        try:
            kafka = connection_from(environment)
        except BadKafkaSettings as problem:
            raise CommandError(str(problem)) from None
        return Config(
            kafka=kafka,
            mongo_url=given["MONGO_URL"],
            localities_file=localities,
            own_database=environment.get("LINKWORK_DATABASE", ""),
            key=(environment.get("LINKWORK_DEAD_LETTER_KEY") or development).encode(),
            keys=_keys(environment),
            operator=operator,
            control_topic=control_topic,
            databases=_databases(environment),
            needs_report=environment.get("LINKWORK_HAND_OVER_NEEDS_REPORT") == "1",
            partitions=_number(environment, "PARTITIONS", PARTITIONS),
            replication=_number(environment, "REPLICATION", 1),
        )
    if any(given.values()):
        missing = next(name for name, value in given.items() if not value)
        raise CommandError(f"LINKWORK_{missing} is not set, and the other of the two stores is.")
    folder = Path(environment.get("LINKWORK_STATE") or here / ".linkwork")
    try:
        ports = json.loads((folder / "ports.json").read_text())
        secrets = json.loads((folder / "secrets").read_text())
        password = SecretStr((folder / "kafka" / USERS_FOLDER / OPERATOR).read_text().strip())
        if not (folder / "processes").exists():  # It exists from a run's start to its end.
            raise CommandError("The run in .linkwork here has been stopped: start it again with `make run`.")
        return Config(
            kafka=KafkaConnection(f"{_LOOPBACK}:{ports['kafka']}", "SASL_PLAINTEXT", OPERATOR, password),
            mongo_url=f"mongodb://{_LOOPBACK}:{ports['mongod']}/?directConnection=true",
            localities_file=localities,
            key=str(secrets["dead_letter_key"]).encode(),
            keys={name: str(secrets[name]) for name in _KEYS if name in secrets},
            operator=operator,
            control_topic=control_topic,
            needs_report=environment.get("LINKWORK_HAND_OVER_NEEDS_REPORT") == "1",
        )
    except (OSError, KeyError, ValueError):
        raise CommandError(
            "LINKWORK_KAFKA_BOOTSTRAP and LINKWORK_MONGO_URL are not set, and there is no run in .linkwork "
            "here: set them, or start one with `make run`."
        ) from None


def _databases(environment: Mapping[str, str]) -> dict[Part, str]:
    """The databases that the environment names by service, such as LINKWORK_DATABASE_REFERRAL."""
    named = {part: environment.get(f"LINKWORK_DATABASE_{part.upper()}", "") for part in PARTS}
    return {part: name for part, name in named.items() if name}


def _keys(environment: Mapping[str, str]) -> dict[str, str]:
    """The keys that the environment sets, and where a token is, by the settings' names."""
    given = {name: environment.get(f"LINKWORK_{name.upper()}", "") for name in _KEYS}
    return {name: value for name, value in given.items() if value}


def _number(environment: Mapping[str, str], name: str, otherwise: int) -> int:
    given = environment.get(f"LINKWORK_{name}") or str(otherwise)
    if not (given.isascii() and given.isdigit() and int(given)):
        raise CommandError(f"LINKWORK_{name} must be a whole number from 1.")
    return int(given)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # A container's user may have no name.
        return ""
