"""HTTP client of casework's owner elsewhere: its link workers, and the person's yes to sharing."""

from dataclasses import dataclass
from typing import Any, Final

import httpx
from pydantic import ValidationError

from shared.contract.api.casework import LINK_WORKERS, SHARING, SharingRecorded
from shared.platform.web.owners import Owners
from shared.platform.web.service_client import ServiceClient, ServiceUnavailable, content_of

_PART: Final = "casework"


class CaseworkAway(Exception):
    """Casework's owner does not answer. A retry may succeed."""


@dataclass(frozen=True, slots=True)
class Published:
    """The list of link workers as it is published: its entries, unread, and its tag."""

    entries: list[Any]
    tag: str | None


class CaseworkClient:
    """Asks casework's owner in each locality, with our own token."""

    def __init__(self, client: ServiceClient, owners: Owners) -> None:
        self._client = client
        self._owners = owners

    async def link_workers(self, locality: str, known: str | None) -> Published | None:
        """The published link workers, or None if the list has the tag that is `known`.

        Raises:
            CaseworkAway: the owner does not answer.
        """
        headers = {"if-none-match": known} if known else {}
        try:
            address = self._owners.address(_PART, locality)
            answer = await self._client.call(
                LINK_WORKERS, address, query={"locality": locality}, headers=headers
            )
            if answer.status_code == httpx.codes.NOT_MODIFIED:
                return None
            entries = content_of(answer).get("link_workers")
        except ServiceUnavailable:
            raise CaseworkAway from None
        if not isinstance(entries, list):
            raise CaseworkAway
        return Published(entries, answer.headers.get("etag"))

    async def agreed(self, locality: str, referral: str, prescription: str) -> bool:
        """True if casework recorded the person's yes to sharing with this service of the plan.

        Raises:
            CaseworkAway: the owner does not answer.
        """
        body = {"locality": locality, "referral": referral, "prescription": prescription}
        try:
            answer = await self._client.call(SHARING, self._owners.address(_PART, locality), body)
            return SharingRecorded.model_validate(content_of(answer)).agreed
        except (ServiceUnavailable, ValidationError):
            raise CaseworkAway from None
