"""Addresses a message: decides on its recipient and channel, and gathers the facts of its text.

Addresses are fetched at the moment of sending and held no longer than that takes.
"""

from dataclasses import dataclass
from typing import Any, Final

from services.notifications.clients.peers import PeerServices
from services.notifications.messages.message import MessageName, Recipient, Template
from services.notifications.messages.state import NotificationState, is_sent_back
from services.notifications.messages.wording import Channel
from shared.contract.events import vocabulary as v
from shared.contract.history import Meeting, ReferralHistory
from shared.delivery.model.errors import PermanentFailure
from shared.delivery.model.service_definition import Loaded
from shared.platform.localities import Localities, Locality, Practice
from shared.platform.people.telephone import as_dialled, can_be_texted
from shared.platform.web.owners import Owners
from shared.platform.web.references import short_reference

# Meetings in the past: the person will not come to them any more.
_PAST: Final = ("attended", "missed")


@dataclass(frozen=True, slots=True)
class Addressed:
    """The channel, address and language of one message, and the facts that its text needs."""

    channel: Channel
    to: str
    facts: dict[str, Any]
    language: str = "en"

    def __repr__(self) -> str:
        return f"Addressed({self.channel})"


class Addressing:
    """Finds the address of a message with the help of the other services."""

    def __init__(self, peers: PeerServices, localities: Localities, public_url: str) -> None:
        self._peers = peers
        self._localities = localities
        self._public_url = public_url

    async def address(self, loaded: Loaded[NotificationState], name: MessageName) -> Addressed:
        """Addresses the message of this name.

        Raises:
            RetryLater: another service is away.
            PermanentFailure: the message has no address; the code gives the reason.
        """
        if name.recipient is Recipient.PERSON:
            return await self._to_person(loaded, name)
        if name.recipient is Recipient.LINK_WORKER:
            return await self._to_link_worker(loaded, name)
        if name.recipient is Recipient.REFERRER:
            mailbox = self._referrers_mailbox(loaded.view.history)
            return Addressed("mail", mailbox, self._sign_in_facts("/referral/referrals", loaded))
        return await self._to_service(loaded, name)

    async def _to_link_worker(self, loaded: Loaded[NotificationState], name: MessageName) -> Addressed:
        meeting = _meeting(loaded.view, name)
        card = await self._peers.link_worker(loaded.locality, meeting.booked.link_worker)
        return Addressed("mail", card.email, self._sign_in_facts("/matching/cases", loaded))

    async def _to_person(self, loaded: Loaded[NotificationState], name: MessageName) -> Addressed:
        history = loaded.view.history
        self._require_owners_vault(loaded.locality, history)
        created = history.created
        facts = {"interpreter": created is not None and created.interpreter}
        facts |= await self._facts_for_person(loaded, name)
        language = created.language if created else "en"
        # Fetched last, so that a change made while the other facts were fetched is obeyed too.
        contact = await self._peers.contact(loaded.locality, loaded.referral_id)
        if not contact.safe_to_text:
            raise PermanentFailure("not_safe")
        if contact.telephone and contact.telephone.startswith("+") and can_be_texted(contact.telephone):
            return Addressed("text", contact.telephone, facts, language)
        if contact.email:
            return Addressed("mail", contact.email, facts, language)
        raise PermanentFailure("no_channel")

    def _require_owners_vault(self, locality: str, history: ReferralHistory) -> None:
        # A partner that keeps its own people, but does not own the part, answers no claims.
        source = history.created_said.source if history.created_said else ""
        keeps = Owners(self._localities, {}).keeps_people(source, locality)
        if not keeps:
            raise PermanentFailure("vault_unknown" if keeps is None else "vault_elsewhere")

    async def _facts_for_person(self, loaded: Loaded[NotificationState], name: MessageName) -> dict[str, Any]:
        history = loaded.view.history
        locality = self._localities.by_slug.get(loaded.locality)
        if name.template is Template.NO_APPOINTMENT_YET:
            practice = self._practice(history.created.practice if history.created else "")
            return {
                "promised": history.waiting.expected_by if history.waiting else None,
                "ring": self._localities.hub.telephone,
                "sender": sender_of(locality, practice),
            }
        meeting = _meeting(loaded.view, name)
        booked = meeting.booked
        practice = self._practice(booked.practice)
        others = (m for m in loaded.view.known_meetings if m is not meeting)
        return {
            "sender": sender_of(locality, practice),
            "starts_at": booked.starts_at,
            "mode": booked.mode.value,
            "place": f"{practice.site}, {practice.postcode}",
            "ring": await self._number_to_ring(loaded.locality, booked.link_worker),
            "sent_back": is_sent_back(history),
            "others": any(m.status not in _PAST for m in others),
        }

    def _practice(self, code: str) -> Practice:
        practice = self._localities.practice(code)
        if practice is None:
            raise PermanentFailure("practice_unknown")
        return practice

    async def _number_to_ring(self, locality: str, link_worker: str) -> str:
        """The link worker's number, or the hub's where matching does not know the link worker."""
        try:
            card = await self._peers.link_worker(locality, link_worker)
        except PermanentFailure as unknown:
            if unknown.code != "link_worker_unknown":
                raise
            return self._localities.hub.telephone
        return as_dialled(card.telephone)

    async def _to_service(self, loaded: Loaded[NotificationState], name: MessageName) -> Addressed:
        prescribed = next(
            p.prescribed
            for p in loaded.view.history.prescriptions
            if p.prescribed.prescription_id == name.about
        )
        card = await self._peers.service(loaded.locality, prescribed.service_id)
        if card.mailbox_confirmed is False:
            raise PermanentFailure("mailbox_unconfirmed")
        if not card.asks_email:
            raise PermanentFailure("service_has_no_address")
        link = await self._peers.link(loaded.locality, prescribed.prescription_id)
        place = self._localities.by_slug.get(loaded.locality)
        facts = {
            "link": link.url,
            "service": card.service.name,
            "link_worker": await self._link_workers_name(loaded),
            "locality": place.name if place else loaded.locality,
            "programme": self._localities.name,
        }
        return Addressed("mail", card.asks_email, facts)

    async def _link_workers_name(self, loaded: Loaded[NotificationState]) -> str:
        """The link worker's name, or nothing for a partner's link worker, unknown to matching."""
        if loaded.view.history.link_worker is None:
            return ""
        try:
            card = await self._peers.link_worker(loaded.locality, loaded.view.history.link_worker)
        except PermanentFailure as unknown:
            if unknown.code != "link_worker_unknown":
                raise
            return ""
        return card.name

    def _referrers_mailbox(self, history: ReferralHistory) -> str:
        created = history.created
        if created is not None and created.route is v.Route.HUB:
            return self._localities.hub.email
        practice = self._localities.practice(created.practice) if created is not None else None
        if practice is None or not practice.mailbox:
            raise PermanentFailure("no_mailbox")
        return practice.mailbox

    def _sign_in_facts(self, path: str, loaded: Loaded[NotificationState]) -> dict[str, Any]:
        reference = loaded.referral_id
        return {
            "short_reference": short_reference(reference),
            "reference": reference,
            "link": f"{self._public_url}{path}/{reference}",
        }


def sender_of(locality: Locality | None, practice: Practice) -> str:
    """The name at the beginning of a message to the person: the locality's own, or the practice's."""
    return (locality.text_sender if locality else None) or practice.name


def _meeting(state: NotificationState, name: MessageName) -> Meeting:
    return next(m for m in state.known_meetings if m.booked.meeting_id == name.about)
