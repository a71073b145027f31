"""HTTP client of the notifications service: messages that could not be sent, as counts."""

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ValidationError

from shared.contract.api import Operation
from shared.platform.web.service_client import ServiceClient, ServiceUnavailable, content_of

READS_MESSAGES: Final = "messages:read"


class Failed(BaseModel):
    """Messages that were given up within four weeks, by link worker."""

    failed: dict[str, int]


FAILED: Final = Operation(
    name="failedMessages",
    owner="notifications",
    callers=frozenset({"casework"}),
    method="GET",
    path="/api/notifications/v1/failures/link-workers",
    words="Messages that were given up within four weeks, by link worker.",
    scopes=(READS_MESSAGES,),
    answer=Failed,
    answer_example={"failed": {"lw-meir-1": 2}},
    for_partners=False,
)


@dataclass(frozen=True)
class FailedMessages:
    """Asks our own notifications service, at this address."""

    client: ServiceClient
    address: str

    async def by_link_worker(self, locality: str) -> dict[str, int] | None:
        """The counts of a locality; None if the service does not answer in time."""
        try:
            answer = await self.client.call(FAILED, self.address, query={"locality": locality})
            return Failed.model_validate(content_of(answer)).failed
        except (ServiceUnavailable, ValidationError):
            return None
