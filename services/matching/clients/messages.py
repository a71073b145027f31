"""HTTP client of the notifications service: referrals about which a message could not be sent."""

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ValidationError

from shared.contract.api import Operation
from shared.platform.web.service_client import ServiceClient, ServiceUnavailable, content_of

READS_MESSAGES: Final = "messages:read"


class Failed(BaseModel):
    """Referrals about which a message was given up within four weeks."""

    referrals: list[str]


FAILED: Final = Operation(
    name="failedMessages",
    owner="notifications",
    callers=frozenset({"casework"}),
    method="GET",
    path="/api/notifications/v1/failures/referrals",
    words="Referrals about which a message was given up within four weeks.",
    scopes=(READS_MESSAGES,),
    answer=Failed,
    answer_example={"referrals": ["0193d3a2-7b5e-7c3a-9d21-4a6f0c9e8b11"]},
    for_partners=False,
)


@dataclass(frozen=True)
class FailedMessages:
    """Asks our own notifications service, at this address."""

    client: ServiceClient
    address: str

    async def referrals(self, locality: str) -> list[str] | None:
        """Those of a locality; None if the service does not answer in time."""
        try:
            answer = await self.client.call(FAILED, self.address, query={"locality": locality})
            return Failed.model_validate(content_of(answer)).referrals
        except (ServiceUnavailable, ValidationError):
            return None
