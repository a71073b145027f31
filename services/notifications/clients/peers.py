"""What is asked of other services at the moment of sending, and of what is never kept: contacts, links.

Contact details live in the referral service's vault (claim check), link workers and the services' addresses
with matching. What comes back of a person is used for one message and forgotten.
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
from shared.platform.web.service_token import ServiceTokens, ServiceTokenUnavailable

ASKING_SECONDS: Final = 5.0
CARD_SECONDS: Final = 30.0
CLAIMS: Final = "claims:read"
LINK_WORKERS: Final = "contacts:read"
SERVICES: Final = "contacts:read directory:read"
LINKS: Final = "links:write"
M = TypeVar("M", bound=BaseModel)
_CONTACT: Final = ("telephone", "email", "safe_to_text")


@dataclass(frozen=True, slots=True)
class Contact:
    """How a person may be reached. Never stored, never logged, in no repr."""

    telephone: str | None = field(repr=False)
    email: str | None = field(repr=False)
    safe: bool


class LinkWorkerCard(BaseModel):
    """What is needed of a link worker: name, where to write to, and the number that people ring."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    name: str = ""
    email: str
    telephone: str


class ServiceEntry(BaseModel):
    """What is needed of a directory entry."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    name: str


class ServiceCard(BaseModel):
    """What is needed of a community service: where it is asked, and its name.

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
    """The referral and matching services, asked with this service's own token."""

    def __init__(
        self,
        settings: NotificationsSettings,
        http: httpx.AsyncClient,
        tokens: ServiceTokens,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._referral = f"{settings.referral_url}/api/referral/v1"
        self._matching = f"{settings.matching_url}/api/matching/v1"
        self._http = http
        self._tokens = tokens
        self._seconds = seconds
        self._cards: dict[tuple[str, str], tuple[float, LinkWorkerCard]] = {}

    async def contact(self, locality: str, referral_id: str) -> Contact:
        """A person's contact details.

        Raises:
            NotNow: the vault is away.
            Never: `person_unknown`, `erased`, `vault_refused`.
        """
        body = {
            "locality": locality,
            "referrals": [referral_id],
            "fields": list(_CONTACT),
            "purpose": "message",
            "on_behalf_of": None,
        }
        answer = await self._ask("POST", f"{self._referral}/claims", CLAIMS, "vault_refused", body)
        person = answer.get("people", {}).get(referral_id)
        if person is not None:
            return Contact(
                person.get("telephone"), person.get("email"), safe=person.get("safe_to_text") == "yes"
            )
        gone = answer.get("missing", {}).get(referral_id) == 410
        raise PermanentFailure("erased" if gone else "person_unknown")

    async def link_worker(self, locality: str, link_worker: str) -> LinkWorkerCard:
        """A link worker's card, at most half a minute old: one case's messages ask for it several times.

        Raises Never: `link_worker_unknown`, `matching_refused`; or NotNow.
        """
        known = self._cards.get((locality, link_worker))
        if known is not None and known[0] > self._seconds():
            return known[1]
        path = f"{self._matching}/link-workers/{link_worker}?locality={locality}"
        answer = await self._ask("GET", path, LINK_WORKERS, "matching_refused", missing="link_worker_unknown")
        card = _read(LinkWorkerCard, answer)
        self._cards[locality, link_worker] = (self._seconds() + CARD_SECONDS, card)
        return card

    async def service(self, locality: str, service_id: str) -> ServiceCard:
        """A service's card. Raises Never: `service_unknown`, `matching_refused`; or NotNow."""
        path = f"{self._matching}/services/{service_id}?locality={locality}"
        answer = await self._ask("GET", path, SERVICES, "matching_refused", missing="service_unknown")
        return _read(ServiceCard, answer)

    async def link(self, locality: str, prescription_id: str) -> Link:
        """A link for a prescription.

        Raises Never: `prescription_unknown`, `matching_refused`, `link_ended`; or NotNow.
        """
        path = f"{self._matching}/prescriptions/{prescription_id}/link?locality={locality}"
        answer = await self._ask("POST", path, LINKS, "matching_refused", missing="prescription_unknown")
        return _read(Link, answer)

    async def _ask(
        self,
        method: str,
        url: str,
        scope: str,
        refused: str,
        body: Any = None,
        missing: str = "person_unknown",
    ) -> dict[str, Any]:
        try:
            headers = await self._tokens.headers(scope)
            answer = await self._http.request(method, url, json=body, headers=headers, timeout=ASKING_SECONDS)
        except (httpx.HTTPError, ServiceTokenUnavailable):
            raise RetryLater from None
        if answer.status_code == 401:
            self._tokens.forget(scope)
            raise RetryLater
        if answer.status_code == 403:
            # Somebody has to put this right: it is counted for the alert as well as shown as a failure.
            metrics.contacts_refused.labels(refused.removesuffix("_refused")).inc()
            raise PermanentFailure(refused)
        if answer.status_code == 404:
            raise PermanentFailure(missing)
        if answer.status_code == 409 and "link_ended" in answer.text:
            raise PermanentFailure("link_ended")
        if answer.status_code == 410:
            raise PermanentFailure("erased")
        if not answer.is_success:
            raise RetryLater
        try:
            found = answer.json()
        except ValueError:
            raise RetryLater from None
        return found if isinstance(found, dict) else {}


def _read(model: type[M], answer: dict[str, Any]) -> M:
    try:
        return model.model_validate(answer)
    except ValidationError:
        raise RetryLater from None  # another version, perhaps half-way through an upgrade
