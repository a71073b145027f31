"""Settings of the development process."""

from pathlib import Path
from typing import Any, ClassVar

from pydantic import SecretStr

from shared.platform.web.settings import ServiceSettings, setting

USERS_FILE = Path(__file__).with_name("users.toml")
# In the state folder: the versions of the table, which the run writes after each change.
TABLE = "table.jsonl"


class NotForProduction(SystemExit):
    """This process issues tokens for every user without a password, so it exists in development only."""


def refuse_production(env: str | None) -> None:
    """Raises NotForProduction unless LINKWORK_ENV says development: silence means production."""
    if env != "development":
        raise NotForProduction(
            "The development issuer signs in anybody as anybody: it runs only where LINKWORK_ENV=development."
        )


def _own_secret(service: str) -> Any:
    return setting(
        None, description=f"Secret of the {service} service; else the common one.", example="(a secret)"
    )


class DevelopmentSettings(ServiceSettings):
    """The settings of every service, and those of the sink: where it listens and keeps messages."""

    service: ClassVar[str] = "development"

    port: int = setting(8105, description="Port of the development issuer and mailbox.", example="8105")
    smtp_port: int = setting(8106, description="Port of the mail sink.", example="8106", ge=1, le=65535)
    state: Path = setting(
        Path(".linkwork"), description="Folder for the issuer's key and the mailbox.", example=".linkwork"
    )
    users_file: Path = setting(
        USERS_FILE, description="The invented people who may sign in.", example="users.toml"
    )
    client_secret_referral: SecretStr | None = _own_secret("referral")
    client_secret_matching: SecretStr | None = _own_secret("matching")
    client_secret_notifications: SecretStr | None = _own_secret("notifications")
    client_secret_evaluation: SecretStr | None = _own_secret("evaluation")

    def secret_of(self, client_id: str) -> str:
        """The secret of the client `linkwork-<service>`: its own if set, else the common one."""
        own: SecretStr | None = getattr(self, f"client_secret_{client_id.removeprefix('linkwork-')}", None)
        return (own or self.client_secret).get_secret_value()
