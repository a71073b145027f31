"""The partners that own booking for a while, as processes: the example in JavaScript, and one in Python."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chaos.process import Process
from chaos.stack import Stack
from deploy.local.child import python
from deploy.local.errors import CannotRun
from deploy.local.ports import LOOPBACK
from deploy.local.reaper import ROOT
from shared.platform.access.declaration import Partner as BusUser

EXAMPLE = ROOT / "examples" / "booking-js"
_OWN_MODULE = "tests.harness.parts.booker"


def client_of(name: str) -> str:
    """The id of a partner's client at the issuer."""
    return f"partner-{name}"


@dataclass(frozen=True)
class Booker:
    """A partner that may own booking in a locality.

    `program`: `js` is examples/booking-js, `py` the partner of the tests. `client` says how the latter reads:
    in a group that begins at the earliest record, in one that begins at the latest, or without a group.
    """

    locality: str
    name: str
    port: int
    program: str
    client: str = "earliest"

    @property
    def user(self) -> str:
        """The partner's user on the bus."""
        return BusUser(self.locality, self.name).user

    @property
    def group(self) -> str:
        """The partner's consumer group; empty for none."""
        if self.program == "js":
            return f"{self.user}.booking"
        return "" if self.client == "none" else f"{self.user}.{self.client}"

    @property
    def inbox(self) -> str:
        """The topic that the partner writes."""
        return BusUser(self.locality, self.name).inbox

    @property
    def refusals(self) -> str:
        """The topic of what it is refused."""
        return BusUser(self.locality, self.name).refusals


def process_of(stack: Stack, booker: Booker) -> Process:
    """The partner's process. Raises CannotRun if its packages are not installed."""
    return Process(
        booker.user,
        _command(booker),
        environment=_environment(stack, booker),
        log=stack.folder / "logs" / f"{booker.user}.log",
        reaper=stack.reaper,
        ready=f"http://{LOOPBACK}:{booker.port}/readyz",
        is_ready=lambda _: True,  # that it answers at all is what partners promise
    )


def has_packages() -> bool:
    """True if Node is there, and the packages of the example."""
    return shutil.which("node") is not None and (EXAMPLE / "node_modules").is_dir()


def _command(booker: Booker) -> list[str]:
    if booker.program == "py":
        return python(_OWN_MODULE)
    node = shutil.which("node")
    if node is None or not has_packages():
        raise CannotRun("examples/booking-js needs Node and its packages: run `npm ci` there.")
    # Meetings are on weekdays of the run's clock, which is ahead of the machine's.
    return [node, "--import", str(Path(__file__).with_name("clock.mjs")), str(EXAMPLE / "main.mjs")]


def _environment(stack: Stack, booker: Booker) -> Mapping[str, str]:
    kafka = stack.as_user(booker.user, booker.user)
    clock = stack.clock_folder(booker.user)
    stack.clocks.give(clock)
    data = stack.folder / "partners" / booker.user
    data.mkdir(parents=True, exist_ok=True)
    ours = {key: value for key, value in os.environ.items() if not key.startswith("LINKWORK_")}
    return {
        **ours,
        "KAFKA_BOOTSTRAP": kafka.bootstrap,
        "KAFKA_USER": booker.user,
        "KAFKA_PASSWORD": stack.password(booker.user),
        "LOCALITY": booker.locality,
        "PARTNER": booker.name,
        "LINKWORK_URL": stack.url,
        "OIDC_ISSUER": f"{stack.url}/dev/issuer",
        "OIDC_CLIENT_ID": client_of(booker.name),
        "OIDC_CLIENT_SECRET": stack.secrets["client_secret_demo"],
        "LINKWORK_STATE": str(clock),
        "DATABASE": str(data / "booking.sqlite"),
        "PORT": str(booker.port),
        "API": f"http://{LOOPBACK}:{booker.port}",
        "GROUP": booker.group,
        "RESET": "latest" if booker.client == "latest" else "earliest",
        "CLOCK_AHEAD_MS": str(round(stack.clocks.ahead * 1000)),
    }
