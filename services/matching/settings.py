"""Settings of the matching service, beside those of every service."""

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
