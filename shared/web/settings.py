"""What a service is told from outside: environment variables that start with LINKWORK_."""

from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic.config import JsonDict
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "LINKWORK_"


def setting(default: Any = ..., *, description: str, example: str, **limits: Any) -> Any:
    """A field with its line in the generated documentation."""
    return Field(default, description=description, examples=[example], **limits)


def secret(*, description: str, development: str, shortest: int = 32) -> Any:
    """A secret without a default, except `development` where LINKWORK_ENV=development.

    `shortest` is the least number of characters accepted in production. Annotate the field `SecretStr`.
    """
    extra: JsonDict = {"secret": True, "development": development, "shortest": shortest}
    return Field(SecretStr(""), description=description, examples=["(a secret)"], json_schema_extra=extra)


class ServiceSettings(BaseSettings):
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
    kafka_bootstrap: str = setting(
        "localhost:9092", description="Kafka brokers, host:port, comma separated.", example="kafka:9092"
    )
    session_timeout_ms: int = setting(
        3000,
        description=(
            "How long a consumer group waits for a replica that died. At least the broker's "
            "`group.min.session.timeout.ms`, which is 6000 where nobody has changed it."
        ),
        example="6000",
        ge=1000,
        le=300_000,
    )
    seat: str = setting(
        "",
        description=(
            "A name that this process has again when it is started again, and no other of the service "
            "at the same time: whoever starts under it takes its predecessor for dead, and nobody waits for "
            "the session timeout. `@hostname`: the machine's own, as each container has one."
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
        None, description="Another localities file than the one shipped.", example="localities.toml"
    )
    host: str = setting("127.0.0.1", description="Address to listen on.", example="10.0.0.5")
    port: int = setting(8100, description="Port to listen on.", example="8101", ge=1, le=65535)
    public_url: str = setting(
        "http://localhost:8080",
        description="Where people reach the pages, without a slash at the end.",
        example="https://linkwork.example.org",
    )
    issuer: str = setting(
        "http://localhost:8080/dev/issuer",
        description="OIDC issuer whose tokens are believed (the `iss` claim, exactly).",
        example="https://login.example.org/realms/linkwork",
    )
    discovery_url: str = setting(
        "",
        description="Where the issuer's discovery document is read; empty means under the issuer.",
        example="http://issuer:8105/dev/issuer/.well-known/openid-configuration",
    )
    jwks_url: str = setting(
        "",
        description="Where the issuer's public keys are read; empty means as discovered.",
        example="http://issuer:8105/dev/issuer/jwks.json",
    )
    token_url: str = setting(
        "",
        description="The issuer's token endpoint as this process reaches it; empty means as discovered.",
        example="http://issuer:8105/dev/issuer/token",
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
    )
    dead_letter_key: SecretStr = secret(
        description="Encrypts what is kept of records that could not be handled.",
        development="development-only-dead-letter-key-01",
    )
    session_hours: float = setting(
        9.0, description="A sign-in ends after this many hours, whatever happens.", example="9", gt=0, le=24
    )
    session_idle_minutes: float = setting(
        30.0,
        description="A sign-in that is not used for so many minutes, in any service, ends.",
        example="30",
        ge=1,
        le=24 * 60,
    )
    body_limit: int = setting(
        1_000_000, description="Largest request body in bytes.", example="1000000", ge=1_000
    )
    referral_url: str = setting(
        "http://127.0.0.1:8101",
        description="The referral service, as other services reach it.",
        example="http://referral:8101",
    )
    matching_url: str = setting(
        "http://127.0.0.1:8102",
        description="The matching service, as other services reach it.",
        example="http://matching:8102",
    )

    @model_validator(mode="after")
    def _fill_in(self) -> Self:
        # The model is frozen for everyone else; defaults that follow from other fields are set here once.
        for name, value in (
            ("database", self.database or f"linkwork_{self.service}"),
            ("client_id", self.client_id or f"linkwork-{self.service}"),
            ("discovery_url", self.discovery_url or f"{self.issuer}/.well-known/openid-configuration"),
        ):
            object.__setattr__(self, name, value)
        for name, field in type(self).model_fields.items():
            extra = field.json_schema_extra
            if isinstance(extra, dict) and extra.get("secret"):
                self._check_secret(name, str(extra["development"]), int(str(extra["shortest"])))
        return self

    def _check_secret(self, name: str, development: str, shortest: int) -> None:
        given: SecretStr = getattr(self, name)
        if self.env == "development":
            if not given.get_secret_value():
                object.__setattr__(self, name, SecretStr(development))
            return
        variable = PREFIX + name.upper()
        if not given.get_secret_value():
            raise ValueError(f"{variable} is not set: it is a secret and has no default in production.")
        if given.get_secret_value() == development:
            raise ValueError(f"{variable} is the development secret: production needs its own.")
        if len(given.get_secret_value()) < shortest:
            raise ValueError(f"{variable} is too short: use at least {shortest} characters.")

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
    """Read the environment. Anything wrong ends the process with one sentence that quotes no value."""
    try:
        return settings()
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        if first["loc"]:
            variable = PREFIX + str(first["loc"][0]).upper()
            raise SystemExit(f"{variable} cannot be used: {first['type'].replace('_', ' ')}.") from None
        raise SystemExit(first["msg"].removeprefix("Value error, ")) from None
