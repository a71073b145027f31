"""The settings of the demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from shared.platform.web.settings import ServiceSettings, setting


class DemoSettings(ServiceSettings):
    """As all services; it signs in as the client `linkwork-demo` of the development issuer."""

    service: ClassVar[str] = "demo"

    state: Path = setting(
        Path(".linkwork"), description="Folder in which is kept how far it came.", example=".linkwork"
    )
