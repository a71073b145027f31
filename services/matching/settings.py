"""Settings of the matching service, beside those of every service."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import SecretStr

from services.matching.roster.link_workers import TRAVEL_MINUTES
from shared.platform.web.mail import MailSettings
from shared.platform.web.settings import address, secret, setting


class MatchingSettings(MailSettings):
    """Settings of the matching service."""

    service: ClassVar[str] = "matching"

    port: int = setting(8102, description="Port to listen on.", example="8102", ge=1, le=65535)
    directory_limit: int = setting(
        8_000_000,
        description="Largest directory in bytes: it is imported in one request.",
        example="8000000",
        ge=1_000,
    )
    notifications_url: str = address(
        "http://127.0.0.1:8103",
        description="The notifications service, as this service reaches it for the desk's figures.",
        example="http://notifications:8103",
        reach="inside",
    )
    feed_private_addresses: bool = setting(
        False,
        description=(
            "Fetch feeds of the directory from private and loopback addresses too, and without TLS: for a"
            " feed on this machine. Production refuses it."
        ),
        example="1",
    )
    feed_ca_file: Path | None = setting(
        None,
        description="Certificates (PEM) that sign feeds' own, beside those of the system.",
        example="/etc/linkwork/feeds.pem",
    )
    travel_minutes: int = setting(
        TRAVEL_MINUTES,
        description=(
            "Minutes left free in a link worker's diary before and after a home visit. A change holds"
            " for what is booked from then on."
        ),
        example="30",
        ge=0,
        le=180,
    )
    magic_link_key: SecretStr = secret(
        description="Signs the one-tap links and codes of services.",
        development="development-only-link-key-00000001",
        listed=True,
    )
    link_days: int = setting(
        28, description="For how many days a one-tap link holds.", example="28", ge=1, le=120
    )

    def problems(self) -> Iterator[str]:
        """Problems of MailSettings, and of feeds."""
        yield from super().problems()
        if self.feed_private_addresses:
            yield (
                "LINKWORK_FEED_PRIVATE_ADDRESSES is on: an administrator could make this service call our "
                "own network."
            )
