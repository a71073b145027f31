"""Asks other services for contacts and links at the moment of sending. None of these is stored.

Contact details live in the referral service's vault (claim check). Link workers and the addresses of
community services live in matching. A person's details are used for one message and forgotten.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from shared.contract.api import Operation
from shared.contract.api.casework import LINK_WORKER, LinkWorkerAnswer
from shared.contract.api.directory import ONE_TAP_LINK, SERVICE_MAILBOX, OneTapLink, ServiceMailbox
from shared.contract.api.referral import CLAIMS
from shared.delivery.model.errors import PermanentFailure, RetryLater
from shared.platform import metrics
from shared.platform.web.owners import Owners
from shared.platform.web.service_client import ServiceClient, code_of, content_of
from shared.platform.web.service_token import ServiceTokens

# No page waits for a message.
PATIENCE_SECONDS: Final = 5.0
CARD_CACHE_SECONDS: Final = 30.0
M = TypeVar("M", bound=BaseModel)
_CONTACT_FIELDS: Final = ("telephone", "email", "safe_to_text")


@dataclass(frozen=True, slots=True)
class PersonContact:
    """A person's contact details. Never stored, never logged, in no repr."""

    telephone: str | None = field(repr=False)
    email: str | None = field(repr=False)
    safe_to_text: bool


class PeerServices:
    """Asks the owners of referral, casework and directory with this service's own token."""

    def __init__(
        self,
        owners: Owners,
        http: httpx.AsyncClient,
        tokens: ServiceTokens,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._owners = owners
        self._client = ServiceClient(http, tokens, PATIENCE_SECONDS)
        self._monotonic = monotonic
        self._cards: dict[tuple[str, str], tuple[float, LinkWorkerAnswer]] = {}

    async def contact(self, locality: str, referral_id: str) -> PersonContact:
        """Fetches a person's contact details.

        Raises:
            RetryLater: the vault is away.
            PermanentFailure: `person_unknown`, `erased`, `vault_refused`.
        """
        body = {
            "locality": locality,
            "referrals": [referral_id],
            "fields": list(_CONTACT_FIELDS),
            "purpose": "message",
            "on_behalf_of": None,
        }
        answer = await self._call(CLAIMS, locality, "vault_refused", body=body)
        person = answer.get("people", {}).get(referral_id)
        if person is not None:
            return PersonContact(
                person.get("telephone"), person.get("email"), safe_to_text=person.get("safe_to_text") == "yes"
            )
        gone = answer.get("missing", {}).get(referral_id) == 410
        raise PermanentFailure("erased" if gone else "person_unknown")

    async def link_worker(self, locality: str, link_worker: str) -> LinkWorkerAnswer:
        """Fetches a link worker's card. Cached for 30 s: one referral's messages need it several times.

        Raises:
            RetryLater: matching is away.
            PermanentFailure: `link_worker_unknown`, `matching_refused`.
        """
        known = self._cards.get((locality, link_worker))
        if known is not None and known[0] > self._monotonic():
            return known[1]
        answer = await self._ask(LINK_WORKER, locality, {"link_worker": link_worker}, "link_worker_unknown")
        card = _read(LinkWorkerAnswer, answer)
        self._cards[locality, link_worker] = (self._monotonic() + CARD_CACHE_SECONDS, card)
        return card

    async def service(self, locality: str, service_id: str) -> ServiceMailbox:
        """Fetches a community service's name and mailbox.

        Raises:
            RetryLater: matching is away.
            PermanentFailure: `service_unknown`, `matching_refused`.
        """
        answer = await self._ask(SERVICE_MAILBOX, locality, {"service_id": service_id}, "service_unknown")
        return _read(ServiceMailbox, answer)

    async def link(self, locality: str, prescription_id: str) -> OneTapLink:
        """Makes a link for a prescription.

        Raises:
            RetryLater: matching is away.
            PermanentFailure: `prescription_unknown`, `matching_refused`, `link_ended`.
        """
        path = {"prescription_id": prescription_id}
        answer = await self._ask(ONE_TAP_LINK, locality, path, "prescription_unknown")
        return _read(OneTapLink, answer)

    async def _ask(
        self, operation: Operation, locality: str, path: Mapping[str, str], missing: str
    ) -> dict[str, Any]:
        """Asks casework or directory about one thing of a locality."""
        query = {"locality": locality}
        return await self._call(
            operation, locality, "matching_refused", path=path, query=query, missing=missing
        )

    async def _call(
        self,
        operation: Operation,
        locality: str,
        refused: str,
        *,
        body: Any = None,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        missing: str = "person_unknown",
    ) -> dict[str, Any]:
        owner = self._owners.address(operation.owner, locality)
        answer = await self._client.call(operation, owner, body, path=path, query=query)
        if answer.status_code == 403:
            # An operator has to correct this, so it is counted for the alert too.
            metrics.contacts_refused.labels(refused.removesuffix("_refused")).inc()
            raise PermanentFailure(refused)
        if answer.status_code == 404:
            raise PermanentFailure(missing)
        if answer.status_code == 409 and code_of(answer) == "link_ended":
            raise PermanentFailure("link_ended")
        if answer.status_code == 410:
            raise PermanentFailure("erased")
        return content_of(answer)


def _read(model: type[M], answer: dict[str, Any]) -> M:
    try:
        return model.model_validate(answer)
    except ValidationError:
        raise RetryLater from None  # perhaps a different version, halfway through an upgrade
