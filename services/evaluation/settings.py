"""Settings of the evaluation service, beside those of every service."""

from typing import ClassVar

from shared.platform.web.settings import ServiceSettings, setting


class EvaluationSettings(ServiceSettings):
    """Settings of the evaluation service."""

    service: ClassVar[str] = "evaluation"

    port: int = setting(8104, description="Port to listen on.", example="8104", ge=1, le=65535)
