"""The settings of the demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from shared.platform.web.settings import ServiceSettings, setting


class DemoSettings(ServiceSettings):
    """The settings of every service. The demonstration signs in as the issuer's client `linkwork-demo`."""

    service: ClassVar[str] = "demo"

    state: Path = setting(
        Path(".linkwork"), description="Folder in which is kept how far it came.", example=".linkwork"
    )
