"""HTTP client of directory's owner elsewhere: services, mailboxes, and answers that reach us on old links."""

from collections.abc import Sequence
from typing import Any, Final

import httpx
from pydantic import ValidationError

from shared.contract.api import Operation
from shared.contract.api.directory import ANSWER_LINK, ASK_MAILBOX, FIND_SERVICES, READ_SERVICES, LinkAnswer
from shared.contract.api.services import MOST, ServiceListed, ServicesListed
from shared.contract.events import vocabulary as v
from shared.platform.web.owners import Owners
from shared.platform.web.service_client import ServiceClient, ServiceUnavailable, code_of, content_of

Near = tuple[float, float]
_PART: Final = "directory"


class DirectoryAway(Exception):
    """Directory's owner does not answer. A retry may succeed."""


class NotTaken(Exception):
    """Directory's owner refused an answer.

    Attributes:
        status: the HTTP status.
        code: the refusal, for programs.
    """

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class DirectoryClient:
    """Asks directory's owner in each locality, with our own token."""

    def __init__(self, client: ServiceClient, owners: Owners) -> None:
        self._client = client
        self._owners = owners

    async def find(self, locality: str, need: v.Need, near: Near | None) -> list[ServiceListed]:
        """The services for a need.

        Raises:
            DirectoryAway: the owner does not answer.
        """
        body = {"locality": locality, "need": need.value, "near": near, "limit": MOST}
        return _listed(await self._ask(FIND_SERVICES, locality, body))

    async def read(self, locality: str, services: Sequence[str]) -> list[ServiceListed]:
        """Services by id.

        Raises:
            DirectoryAway: the owner does not answer.
        """
        found: list[ServiceListed] = []
        for start in range(0, len(services), MOST):
            body = {"locality": locality, "services": list(services[start : start + MOST])}
            found += _listed(await self._ask(READ_SERVICES, locality, body))
        return found

    async def ask_mailbox(self, locality: str, service: str) -> None:
        """Has a service's mailbox asked to confirm, unless it was asked within a day.

        Raises:
            DirectoryAway: the owner does not answer.
        """
        path, query = {"service_id": service}, {"locality": locality}
        try:
            address = self._owners.address(_PART, locality)
            content_of(await self._client.call(ASK_MAILBOX, address, path=path, query=query))
        except ServiceUnavailable:
            raise DirectoryAway from None

    async def answer(self, prescription: str, answer: LinkAnswer, key: str | None) -> None:
        """Passes a service's answer on to the owner. The same key records it once.

        Raises:
            DirectoryAway: the owner does not answer, or the service's link is not known to it.
            NotTaken: the owner refuses the answer.
        """
        body = answer.model_dump(mode="json", exclude_none=True)
        path = {"prescription_id": prescription}
        try:
            address = self._owners.address(_PART, answer.locality)
            given = await self._client.call(ANSWER_LINK, address, body, path=path, key=key)
        except ServiceUnavailable:
            raise DirectoryAway from None
        if given.status_code in (404, 409, 410, 422):
            raise NotTaken(given.status_code, code_of(given))
        if not given.is_success:
            raise DirectoryAway

    async def _ask(self, operation: Operation, locality: str, body: Any) -> httpx.Response:
        try:
            return await self._client.call(operation, self._owners.address(_PART, locality), body)
        except ServiceUnavailable:
            raise DirectoryAway from None


def _listed(answer: httpx.Response) -> list[ServiceListed]:
    """The services of an answer. One that cannot be read is left out, so that the others are shown."""
    try:
        given = content_of(answer).get("services")
    except ServiceUnavailable:
        raise DirectoryAway from None
    if not isinstance(given, list):
        raise DirectoryAway
    found = []
    for each in given:
        try:
            found += ServicesListed.model_validate({"services": [each]}).services
        except ValidationError:
            continue
    return found
