"""The processes of a run, as values: a different list makes a different run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.ports import LOOPBACK
from shared.platform.access.declaration import ADMISSION, DEMO
from shared.platform.kafka_connection import KafkaConnection

Secrets = Mapping[str, str]
NICE = 5
# The C library then returns large buffers: a quarter less memory, without growth.
LESS_MEMORY: Mapping[str, str] = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "262144"}


@dataclass(frozen=True)
class Part:
    """A Python process: `module` is run as by `python -m`, with its port in LINKWORK_PORT.

    `port` is preferred, not promised. The part is ready when `GET ready` answers 200.
    """

    name: str
    module: str
    port: int
    ready: str = "/readyz"
    own: Callable[[Secrets], Mapping[str, str]] = field(default=lambda _: {})
    nice: int = 0  # Above 0: other processes have the processor first.
    # The part's user at Kafka, if it uses Kafka, and the users of others in the same process.
    user: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Parts in the order of starting, the front last. `demo` runs once, when all are ready."""

    parts: tuple[Part, ...]
    demo: Part | None = None
    topics: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parts, in the order of starting."""
        return tuple(part.name for part in self.parts)


def _service(name: str, port: int, *more: str, nice: int = 0, also: tuple[str, ...] = ()) -> Part:
    def own(secrets: Secrets) -> dict[str, str]:
        return {
            "LINKWORK_CLIENT_ID": f"linkwork-{name}",
            "LINKWORK_CLIENT_SECRET": secrets[f"client_secret_{name}"],
            **{f"LINKWORK_{key.upper()}": secrets[key] for key in ("dead_letter_key", *more)},
        }

    return Part(name, f"services.{name}", port, own=own, nice=nice, user=name, also=also)


def _issuer(secrets: Secrets) -> dict[str, str]:
    """The development issuer knows the secret of each service, and the common one of every other client."""
    own = {f"LINKWORK_{key.upper()}": value for key, value in secrets.items() if key.startswith("client_")}
    return own | _demo(secrets)


def _demo(secrets: Secrets) -> dict[str, str]:
    return {"LINKWORK_CLIENT_SECRET": secrets["client_secret_demo"]}


def kafka_environment(part: Part, as_user: Callable[[str], KafkaConnection]) -> dict[str, str]:
    """The environment by which a part reaches Kafka under its own user; empty for a part without Kafka."""
    if not part.user:
        return {}
    more = {
        name.replace("LINKWORK_KAFKA_", f"LINKWORK_{other.upper()}_"): value
        for other in part.also
        for name, value in as_user(other).environment().items()
        if name.endswith(("_USER", "_PASSWORD"))
    }
    return {**as_user(part.user).environment(), **more}


LINKWORK = Plan(
    parts=(
        Part("development", "deploy.development", 8105, own=_issuer, nice=NICE),
        _service("referral", 8101, "master_key", also=(ADMISSION,)),
        _service("matching", 8102, "magic_link_key"),
        # A referrer who waits for a meeting waits for neither a message nor a figure.
        _service("notifications", 8103, nice=NICE),
        _service("evaluation", 8104, nice=NICE),
        Part("front", "deploy.local.front", 8080, ready="/readyz"),
    ),
    demo=Part("demo", "deploy.demo", 0, own=_demo, user=DEMO),
)
# Broker and database alone, such as for a restore.
STORES = Plan(parts=(), topics=False)
MAIL_PORT = 8106


def common_environment(
    given: Mapping[str, str],
    *,
    folder: Path,
    mongo_url: str,
    ports: Mapping[str, int],
    session_key: str,
    demo: bool,
) -> dict[str, str]:
    """The environment of every process, with the addresses of the others. It leaves Kafka out.

    `ports` by name, `front` and `mail` among them.
    """
    public = f"http://localhost:{ports['front']}"
    inside = {name: f"http://{LOOPBACK}:{port}" for name, port in ports.items()}
    issuer = f"{inside.get('development', public)}/dev/issuer"
    return {
        **LESS_MEMORY,
        # Left out as a whole: settings of two connections would contradict each other.
        **{name: value for name, value in given.items() if not name.startswith("LINKWORK_KAFKA_")},
        "LINKWORK_STATE": str(folder),
        "LINKWORK_ENV": "development",
        "LINKWORK_DEMO": "1" if demo else "0",
        "LINKWORK_MONGO_URL": mongo_url,
        "LINKWORK_HOST": LOOPBACK,
        "LINKWORK_PUBLIC_URL": public,
        "LINKWORK_ISSUER": f"{public}/dev/issuer",
        # The issuer is named by its public address and reached by its own, which answers earlier.
        "LINKWORK_DISCOVERY_URL": f"{issuer}/.well-known/openid-configuration",
        "LINKWORK_JWKS_URL": f"{issuer}/jwks.json",
        "LINKWORK_TOKEN_URL": f"{issuer}/token",
        "LINKWORK_SESSION_KEY": session_key,
        "LINKWORK_SMTP_HOST": LOOPBACK,
        "LINKWORK_SMTP_PORT": str(ports["mail"]),
        # A receiver of webhooks may run beside it, such as examples/webhook-js.
        "LINKWORK_WEBHOOK_PRIVATE_ADDRESSES": "1",
        # A feed to try may be served on this machine.
        "LINKWORK_FEED_PRIVATE_ADDRESSES": "1",
        "LINKWORK_SMS_URL": f"{inside.get('development', public)}/dev/sms",
        **{
            f"LINKWORK_{name.upper()}_URL": url
            for name, url in inside.items()
            if name not in ("front", "mail")
        },
    }
