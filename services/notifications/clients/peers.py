"""Asks other services for contacts and links at the moment of sending. None of these is stored.

Contact details live in the referral service's vault (claim check). Link workers and the addresses of
community services live in matching. A person's details are used for one message and forgotten.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from services.notifications.settings import NotificationsSettings
from shared.delivery.model.errors import PermanentFailure, RetryLater
from shared.platform import metrics
from shared.platform.web.service_client import ServiceClient, content_of
from shared.platform.web.service_token import ServiceTokens

REQUEST_TIMEOUT_SECONDS: Final = 5.0
CARD_CACHE_SECONDS: Final = 30.0
CLAIMS_SCOPE: Final = "claims:read"
LINK_WORKERS_SCOPE: Final = "contacts:read"
SERVICES_SCOPE: Final = "contacts:read directory:read"
LINKS_SCOPE: Final = "links:write"
M = TypeVar("M", bound=BaseModel)
_CONTACT_FIELDS: Final = ("telephone", "email", "safe_to_text")


@dataclass(frozen=True, slots=True)
class PersonContact:
    """A person's contact details. Never stored, never logged, in no repr."""

    telephone: str | None = field(repr=False)
    email: str | None = field(repr=False)
    safe_to_text: bool


class LinkWorkerCard(BaseModel):
    """A link worker's name, e-mail address, and the number that people ring."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    name: str = ""
    email: str
    telephone: str


class ServiceEntry(BaseModel):
    """The name of a directory entry."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    name: str


class ServiceCard(BaseModel):
    """A community service's name, and the address for requests.

    `asks_email` is None where the directory has no address, or none that the service has confirmed.
    """

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    asks_email: str | None = None
    service: ServiceEntry | None = None
    mailbox_confirmed: bool | None = None


class Link(BaseModel):
    """A fresh one-tap link."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    url: str


class PeerServices:
    """Asks the referral and matching services with this service's own token."""

    def __init__(
        self,
        settings: NotificationsSettings,
        http: httpx.AsyncClient,
        tokens: ServiceTokens,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._referral = f"{settings.referral_url}/api/referral/v1"
        self._matching = f"{settings.matching_url}/api/matching/v1"
        self._client = ServiceClient(http, tokens, REQUEST_TIMEOUT_SECONDS)
        self._monotonic = monotonic
        self._cards: dict[tuple[str, str], tuple[float, LinkWorkerCard]] = {}

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
        answer = await self._request("POST", f"{self._referral}/claims", CLAIMS_SCOPE, "vault_refused", body)
        person = answer.get("people", {}).get(referral_id)
        if person is not None:
            return PersonContact(
                person.get("telephone"), person.get("email"), safe_to_text=person.get("safe_to_text") == "yes"
            )
        gone = answer.get("missing", {}).get(referral_id) == 410
        raise PermanentFailure("erased" if gone else "person_unknown")

    async def link_worker(self, locality: str, link_worker: str) -> LinkWorkerCard:
        """Fetches a link worker's card. Cached for 30 s: one referral's messages need it several times.

        Raises:
            RetryLater: matching is away.
            PermanentFailure: `link_worker_unknown`, `matching_refused`.
        """
        known = self._cards.get((locality, link_worker))
        if known is not None and known[0] > self._monotonic():
            return known[1]
        path = f"{self._matching}/link-workers/{link_worker}?locality={locality}"
        answer = await self._request(
            "GET", path, LINK_WORKERS_SCOPE, "matching_refused", missing="link_worker_unknown"
        )
        card = _read(LinkWorkerCard, answer)
        self._cards[locality, link_worker] = (self._monotonic() + CARD_CACHE_SECONDS, card)
        return card

    async def service(self, locality: str, service_id: str) -> ServiceCard:
        """Fetches a community service's card.

        Raises:
            RetryLater: matching is away.
            PermanentFailure: `service_unknown`, `matching_refused`.
        """
        path = f"{self._matching}/services/{service_id}?locality={locality}"
        answer = await self._request(
            "GET", path, SERVICES_SCOPE, "matching_refused", missing="service_unknown"
        )
        return _read(ServiceCard, answer)

    async def link(self, locality: str, prescription_id: str) -> Link:
        """Makes a link for a prescription.

        Raises:
            RetryLater: matching is away.
            PermanentFailure: `prescription_unknown`, `matching_refused`, `link_ended`.
        """
        path = f"{self._matching}/prescriptions/{prescription_id}/link?locality={locality}"
        answer = await self._request(
            "POST", path, LINKS_SCOPE, "matching_refused", missing="prescription_unknown"
        )
        return _read(Link, answer)

    async def _request(
        self,
        method: str,
        url: str,
        scope: str,
        refused: str,
        body: Any = None,
        missing: str = "person_unknown",
    ) -> dict[str, Any]:
        answer = await self._client.request(method, url, scope, body)
        if answer.status_code == 403:
            # An operator has to correct this, so it is counted for the alert too.
            metrics.contacts_refused.labels(refused.removesuffix("_refused")).inc()
            raise PermanentFailure(refused)
        if answer.status_code == 404:
            raise PermanentFailure(missing)
        if answer.status_code == 409 and "link_ended" in answer.text:
            raise PermanentFailure("link_ended")
        if answer.status_code == 410:
            raise PermanentFailure("erased")
        return content_of(answer)


def _read(model: type[M], answer: dict[str, Any]) -> M:
    try:
        return model.model_validate(answer)
    except ValidationError:
        raise RetryLater from None  # perhaps a different version, halfway through an upgrade
