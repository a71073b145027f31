"""HTTP client of the other services' audits."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, cast

import httpx
from fastapi import Depends, Request
from pydantic import ValidationError

from services.referral.settings import ReferralSettings
from shared.contract.api import Operation
from shared.contract.events.topics import SourcePart
from shared.delivery.audit.api import SCOPE, AuditAsked, AuditEntries, AuditLine
from shared.platform.outbound.certificates import trusted_by_clients
from shared.platform.web.service_client import ServiceClient, ServiceUnavailable, content_of
from shared.platform.web.service_token import ServiceTokens

# Each service with one of its parts, as an operation names its owner.
_PARTS: Final[Mapping[str, SourcePart]] = {
    "matching": "casework",
    "notifications": "notifications",
    "evaluation": "evaluation",
}
OTHERS: Final = tuple(_PARTS)


@dataclass(frozen=True, slots=True)
class Collected:
    """Entries by service, and the services that did not answer."""

    entries: Mapping[str, list[AuditLine]]
    silent: tuple[str, ...]


class AuditClient:
    """Asks the other three services for their entries, side by side."""

    def __init__(self, settings: ReferralSettings, tokens: ServiceTokens) -> None:
        self._http = httpx.AsyncClient(verify=trusted_by_clients())
        self._client = ServiceClient(self._http, tokens)
        self._addresses = {
            "matching": settings.matching_url,
            "notifications": settings.notifications_url,
            "evaluation": settings.evaluation_url,
        }

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def collect(self, asked: AuditAsked) -> Collected:
        """The entries of every service that answers within its limit."""
        answers = await asyncio.gather(*(self._entries(service, asked) for service in OTHERS))
        found = dict(zip(OTHERS, answers, strict=True))
        return Collected(
            {service: lines for service, lines in found.items() if lines is not None},
            tuple(service for service, lines in found.items() if lines is None),
        )

    async def _entries(self, service: str, asked: AuditAsked) -> list[AuditLine] | None:
        body = asked.model_dump(mode="json", exclude_none=True)
        try:
            given = await self._client.call(_operation(service), self._addresses[service], body)
            return AuditEntries.model_validate(content_of(given)).entries
        except (ServiceUnavailable, ValidationError):
            return None


def _operation(service: str) -> Operation:
    return Operation(
        name="audit_entries",
        owner=_PARTS[service],
        callers=frozenset({"referral"}),
        method="POST",
        path=f"/api/{service}/v1/audit/entries",
        words="Who looked at or changed these referrals.",
        scopes=(SCOPE,),
        answer=AuditEntries,
        answer_example={},
        body=AuditAsked,
        for_partners=False,
    )


def audit_client_of(request: Request) -> AuditClient:
    """The client of the application that serves this request."""
    return cast("AuditClient", request.app.state.audit_client)


OtherAudits = Annotated[AuditClient, Depends(audit_client_of)]
