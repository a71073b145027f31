"""Settings of a service: environment variables that start with LINKWORK_."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Literal, Self, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError, field_validator, model_validator
from pydantic.config import JsonDict
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.contract.events.topics import CONTROL_TOPIC
from shared.platform.kafka_connection import BadKafkaSettings, KafkaSettings
from shared.platform.key_ring import split_keys
from shared.platform.web.addresses import Network, networks
from shared.platform.web.production import (
    PREFIX,
    Reach,
    address_problems,
    equal_secrets,
    in_one,
    secret_problems,
)
from shared.platform.web.setting_fields import address, numbered, secret, setting
from shared.platform.web.sign_in_settings import SignInSettings

__all__ = ["NO_TOPIC", "PREFIX", "ServiceSettings", "address", "load", "secret", "setting"]

# The value of LINKWORK_CONTROL_TOPIC that makes the localities file the table.
NO_TOPIC = "none"


class ServiceSettings(SignInSettings, KafkaSettings, BaseSettings):
    """The variables that all services know. A service derives its own class and sets `service`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True, env_ignore_empty=True
    )

    service: ClassVar[str] = "linkwork"

    env: Literal["development", "production"] = setting(
        "production",
        description="Where this runs. Only `development` has default secrets and the development issuer.",
        example="production",
    )
    demo: bool = setting(
        False, description="Show on every page that all people and figures are invented.", example="1"
    )
    session_timeout_ms: int = setting(
        6000,
        description=(
            "How long a consumer group waits for a replica that died. At least the broker's "
            "`group.min.session.timeout.ms`, which is 6000 by default."
        ),
        example="6000",
        ge=1000,
        le=300_000,
    )
    instance_id: str = setting(
        "",
        description=(
            "A name that a process keeps when it restarts and that no other process of the service has. "
            "A process that starts evicts its predecessor of the same name from its consumer groups, so that "
            "a restart does not wait for the session timeout. `@hostname`: the machine's own name."
        ),
        example="@hostname",
        pattern=r"^(@hostname|[A-Za-z0-9][A-Za-z0-9._@:-]{0,100})?$",
    )
    mongo_url: str = setting(
        "mongodb://localhost:27017/?directConnection=true",
        description="MongoDB replica set. May hold a password, so it is never logged.",
        example="mongodb://mongo:27017/?replicaSet=rs0",
        repr=False,
    )
    database: str = setting(
        "", description="Database name; empty means linkwork_<service>.", example="linkwork_matching"
    )
    localities: str = setting(
        "all",
        description="The localities that this process serves: `all`, or slugs with commas.",
        example="meir,leek-werrington",
    )
    localities_file: Path | None = setting(
        None,
        description=(
            "Another localities file than the one shipped: the first state of the control topic. It is the "
            "table itself in development without that topic."
        ),
        example="localities.toml",
    )
    control_topic: str = setting(
        CONTROL_TOPIC,
        description=(
            "The topic with the versions of the programme's table. `none`, in development only: the "
            "localities file is the table."
        ),
        example=CONTROL_TOPIC,
    )
    control_wait_seconds: float = setting(
        10.0,
        description=(
            "Seconds that a start waits for the control topic before it takes the versions that the service "
            "has stored. Without any, it waits on and is not ready."
        ),
        example="10",
        ge=0,
        le=300,
    )
    host: str = setting("127.0.0.1", description="Address to listen on.", example="10.0.0.5")
    port: int = setting(8100, description="Port to listen on.", example="8101", ge=1, le=65535)
    public_url: str = address(
        "http://localhost:8080",
        description="Where people reach the pages, without a slash at the end.",
        example="https://linkwork.example.org",
        reach="public",
    )
    issuer: str = address(
        "http://localhost:8080/dev/issuer",
        description="OIDC issuer whose tokens are believed (the `iss` claim, exactly).",
        example="https://login.example.org/realms/linkwork",
        reach="outside",
    )
    discovery_url: str = address(
        "",
        description="Where the issuer's discovery document is read; empty means under the issuer.",
        example="https://issuer.example.org/.well-known/openid-configuration",
        reach="outside",
    )
    jwks_url: str = address(
        "",
        description="Where the issuer's public keys are read; empty means as discovered.",
        example="https://issuer.example.org/jwks.json",
        reach="outside",
    )
    token_url: str = address(
        "",
        description="The issuer's token endpoint as this process reaches it; empty means as discovered.",
        example="https://issuer.example.org/token",
        reach="outside",
    )
    audience: str = setting("linkwork", description="The `aud` claim a token must carry.", example="linkwork")
    client_id: str = setting(
        "",
        description="Client id at the issuer, for sign-in and service tokens; empty: linkwork-<service>.",
        example="linkwork-matching",
    )
    client_secret: SecretStr = secret(
        description="Client secret at the issuer.", development="development-only-client-secret-0001"
    )
    session_key: SecretStr = secret(
        description="Encrypts session cookies and signs form tokens; the same for all services.",
        development="development-only-session-key-000001",
        listed=True,
    )
    dead_letter_key: SecretStr = secret(
        description="Encrypts what is kept of records that could not be handled.",
        development="development-only-dead-letter-key-01",
        listed=True,
    )
    audit_days: int = setting(
        8 * 365 + 2,
        description=(
            "Days for which the audit of reads, changes and refusals is kept, at least a year. The default "
            "is eight years, as for adult health records; the data controller may choose otherwise. A "
            "shorter time removes older entries within minutes."
        ),
        example="2922",
        ge=365,
        le=18_250,
    )
    body_limit: int = setting(
        1_000_000, description="Largest request body in bytes.", example="1000000", ge=1_000
    )
    requests_a_second: float = setting(
        50.0,
        description=(
            "Requests that one person may send to a process, lastingly; twelve seconds' worth at once. "
            "0: no limit."
        ),
        example="50",
        ge=0,
    )
    service_requests_a_second: float = setting(
        1000.0,
        description="The same for another service, or a partner's system with a token of its own.",
        example="1000",
        ge=0,
    )
    anonymous_requests_a_second: float = setting(
        20.0,
        description="The same for one address from which nobody has signed in.",
        example="20",
        ge=0,
    )
    requests_at_once: int = setting(
        200,
        description="Requests under way in a process. As many more wait for a second, then get 429.",
        example="200",
        ge=1,
    )
    trusted_proxies: str = setting(
        "127.0.0.0/8,::1",
        description=(
            "Networks of our own proxies and services, with commas. X-Forwarded-For is believed of them "
            "alone, and their own requests are not counted by address."
        ),
        example="10.0.0.0/24",
    )
    trusted_network: bool = setting(
        False,
        description=(
            "Our services may call each other over plain http: nobody else reads the network between them."
        ),
        example="1",
    )
    referral_url: str = address(
        "http://127.0.0.1:8101",
        description="The referral service, as other services reach it.",
        example="http://referral:8101",
        reach="inside",
    )
    matching_url: str = address(
        "http://127.0.0.1:8102",
        description="The matching service, as other services reach it.",
        example="http://matching:8102",
        reach="inside",
    )

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        production = self.env == "production"
        if problems := in_one(self.problems() if production else self._contradictions()):
            raise ValueError(problems)
        if not production:
            for name, extra in self._marked("secret"):
                if not self.text(name):
                    object.__setattr__(self, name, SecretStr(str(extra["development"])))
        # The model is frozen for everyone else; defaults that follow from other fields are set here once.
        for name, value in (
            ("database", self.database or f"linkwork_{self.service}"),
            ("client_id", self.client_id or f"linkwork-{self.service}"),
            ("discovery_url", self.discovery_url or f"{self.issuer}/.well-known/openid-configuration"),
        ):
            object.__setattr__(self, name, value)
        return self

    def problems(self) -> Iterator[str]:
        """Faults that make these settings unfit for production: sentences that quote no value.

        A service adds its own.
        """
        for name, extra in self._marked("secret"):
            for each in self._keys_of(name, extra) or ("",):
                yield from secret_problems(
                    name, each, development=str(extra["development"]), shortest=int(str(extra["shortest"]))
                )
        yield from equal_secrets(self.secrets())
        for name, extra in self._marked("reach"):
            yield from address_problems(
                name, self.text(name), cast("Reach", extra["reach"]), network_is_trusted=self.trusted_network
            )
        if any(network.prefixlen == 0 for network in self.proxy_networks()):
            yield "LINKWORK_TRUSTED_PROXIES is everybody: name the proxies' own networks."
        if self.control_topic == NO_TOPIC:
            yield "LINKWORK_CONTROL_TOPIC is none: production follows the control topic."
        if self.demo:
            yield "LINKWORK_DEMO is on: production holds real people."
        if contradictions := list(self._contradictions()):
            yield from contradictions
            return
        yield from self.kafka.problems_in_production()
        if self.kafka.has_user:
            password = self.kafka.password.get_secret_value()
            yield from secret_problems("kafka_password", password, development="", shortest=16)

    def _contradictions(self) -> Iterator[str]:
        """Settings that make no connection to Kafka, in any environment."""
        try:
            _ = self.kafka
        except BadKafkaSettings as problem:
            yield str(problem)

    def inside(self) -> frozenset[str]:
        """The addresses of our own services, as this one reaches them."""
        return frozenset(
            self.text(name) for name, extra in self._marked("reach") if extra["reach"] == "inside"
        )

    def secrets(self) -> dict[str, str]:
        """Every secret by the setting's name. No two may be equal in production.

        Of a list of keys, those after the first have their place in the name: `session_key[2]`.
        """
        found = {name: getattr(self, name) for name in type(self).model_fields}
        alone = {name: it.get_secret_value() for name, it in found.items() if isinstance(it, SecretStr)}
        for name, extra in self._marked("listed"):
            alone |= numbered(name, self._keys_of(name, extra))
        return alone

    def text(self, name: str) -> str:
        """The setting of this name, which holds a text or a secret."""
        value = getattr(self, name)
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    def _keys_of(self, name: str, extra: JsonDict) -> tuple[str, ...]:
        """The keys of a setting, newest first; a secret that is no list is one key."""
        text = self.text(name)
        return split_keys(text) if extra.get("listed") else tuple(filter(None, (text,)))

    def _marked(self, mark: str) -> Iterator[tuple[str, JsonDict]]:
        for name, field in type(self).model_fields.items():
            if isinstance(field.json_schema_extra, dict) and mark in field.json_schema_extra:
                yield name, field.json_schema_extra

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_networks(cls, given: str) -> str:
        networks(given)
        return given

    def proxy_networks(self) -> tuple[Network, ...]:
        """The networks of LINKWORK_TRUSTED_PROXIES."""
        return networks(self.trusted_proxies)

    @property
    def person_tokens_believed_for(self) -> timedelta | None:
        """The time after its issue for which an API believes a person's token; None: until it ends."""
        seconds = self.person_token_seconds
        if seconds is None:
            seconds = 60 if self.env == "production" else 0
        return timedelta(seconds=seconds) if seconds else None

    @property
    def secure_cookies(self) -> bool:
        """Cookies are marked Secure, except for development on plain http."""
        return self.env == "production" or urlsplit(self.public_url).scheme == "https"

    def locality_slugs(self) -> tuple[str, ...] | None:
        """The slugs named in LINKWORK_LOCALITIES, or None for all."""
        if self.localities.strip() == "all":
            return None
        return tuple(slug for part in self.localities.split(",") if (slug := part.strip()))


Settings = TypeVar("Settings", bound=ServiceSettings)


def load(settings: type[Settings]) -> Settings:
    """Read the environment. Anything wrong ends the process with one line.

    The line names all that is wrong, and quotes no value.
    """
    try:
        return settings()
    except ValidationError as wrong:
        named, said = _sentences(wrong)
    if named:
        # What cannot be read hides what else is wrong: look again, as if those had not been set.
        try:
            settings(**{name: settings.model_fields[name].default for name in named})
        except ValidationError as more:
            said += [each for each in _sentences(more)[1] if each not in said]
    raise SystemExit(in_one(said))


def _sentences(wrong: ValidationError) -> tuple[list[str], list[str]]:
    """The settings that cannot be read, and all that is wrong."""
    named, said = [], []
    for error in wrong.errors(include_input=False, include_url=False):
        if error["loc"]:
            name = str(error["loc"][0])
            named.append(name)
            said.append(f"{PREFIX}{name.upper()} cannot be used: {error['type'].replace('_', ' ')}.")
        else:
            said.append(error["msg"].removeprefix("Value error, "))
    return named, said
