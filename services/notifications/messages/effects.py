"""What goes out: one message, put together and handed to a gateway at the moment of sending."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from services.notifications.channels.circuit_breaker import CircuitBreaker
from services.notifications.channels.gateway import Mail, MailGateway, TextGateway
from services.notifications.clients.peers import PeerServices
from services.notifications.messages.message import MessageName, Recipient, Template
from services.notifications.messages.policy import HELD, after_quiet_hours
from services.notifications.messages.state import View, sent_back
from services.notifications.messages.wording import Channel, Words
from shared.contract.events import vocabulary as v
from shared.contract.history import Meeting, ReferralHistory
from shared.delivery.model.decision import TaskRow
from shared.delivery.model.errors import PermanentFailure, RetryLater
from shared.delivery.model.service_definition import Loaded
from shared.platform import metrics
from shared.platform.clock import Clock
from shared.platform.localities import OWN_VAULT, Localities, Locality, Practice
from shared.platform.people.telephone import as_dialled, can_be_texted
from shared.platform.web.references import short_reference

_OVER: Final = ("attended", "missed")
"""Meetings that nobody will turn up to any more."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """Where one message goes, by which channel, in which language, and the facts that its words need."""

    channel: Channel
    to: str
    facts: dict[str, Any]
    language: str = "en"

    def __repr__(self) -> str:
        return f"Addressed({self.channel})"


# What another service may not know only because it has not heard of it yet; about a minute's worth of tries.
_NOT_HEARD_YET = frozenset({"prescription_unknown"})
_TRIES_TO_BE_HEARD = 5


class Outbound:
    """Sends a message that is due. Holds no address and no text longer than that takes."""

    def __init__(
        self,
        asked: PeerServices,
        mail: MailGateway,
        texts: TextGateway,
        localities: Localities,
        public_url: str,
        clock: Clock,
        words: Words | None = None,
    ) -> None:
        self._asked = asked
        self._mail = mail
        self._texts = texts
        self._localities = localities
        self._public_url = public_url
        self._clock = clock
        self._words = words or Words()
        self._patience: dict[Channel, CircuitBreaker] = {"text": CircuitBreaker(), "mail": CircuitBreaker()}

    async def send(self, key: str, loaded: Loaded[View], row: TaskRow) -> str:
        """Sends the message that `row` is about; gives `<channel>:<the gateway's reference>`.

        Raises:
            NotNow: later, perhaps: something is away, or the quiet hours have begun.
            Never: it cannot be sent, with the reason's code.
        """
        name = MessageName.parse(row.about)
        try:
            sent = await self._send(key, loaded, name)
        except PermanentFailure as failed:
            if failed.code in _NOT_HEARD_YET and row.attempt < _TRIES_TO_BE_HEARD:
                raise RetryLater from None  # who is asked hears the same events, perhaps a little later
            metrics.messages_failed.labels(loaded.locality, name.template, name.recipient, failed.code).inc()
            raise
        if row.payload.get(HELD):
            metrics.messages_held.labels(loaded.locality).inc()
        channel = sent.partition(":")[0]
        metrics.messages_sent.labels(loaded.locality, name.template, name.recipient, channel).inc()
        return sent

    async def _send(self, key: str, loaded: Loaded[View], name: MessageName) -> str:
        if name.recipient is Recipient.PERSON:
            self._leave_in_peace(loaded.locality)
        addressed = await self._address(loaded, name)
        said = self._words.say(
            name.template, name.recipient, addressed.channel, addressed.language, **addressed.facts
        )
        reference = permanent_reference(key, addressed.channel)
        async with self._patience[addressed.channel].asking():
            if addressed.channel == "text":
                theirs = await self._texts.send_text(addressed.to, said.body, reference)
            else:
                theirs = await self._mail.send_mail(Mail(addressed.to, said.subject, said.body), reference)
        return f"{addressed.channel}:{theirs}"

    def _leave_in_peace(self, locality: str) -> None:
        """Asked for at a civil hour, it may come round only at night, after trouble somewhere."""
        now = self._clock()
        allowed = after_quiet_hours(now)
        if allowed > now:
            metrics.messages_held.labels(locality).inc()
            raise RetryLater(until=allowed)

    async def _address(self, loaded: Loaded[View], name: MessageName) -> Addressed:
        if name.recipient is Recipient.PERSON:
            return await self._to_person(loaded, name)
        if name.recipient is Recipient.LINK_WORKER:
            meeting = _meeting(loaded.view, name)
            card = await self._asked.link_worker(loaded.locality, meeting.booked.link_worker)
            return Addressed(
                "mail", card.email, self._sign_in(f"/matching/cases/{loaded.referral_id}", loaded)
            )
        if name.recipient is Recipient.REFERRER:
            mailbox = self._referrers_mailbox(loaded.view.story)
            return Addressed(
                "mail", mailbox, self._sign_in(f"/referral/referrals/{loaded.referral_id}", loaded)
            )
        return await self._to_service(loaded, name)

    async def _to_person(self, loaded: Loaded[View], name: MessageName) -> Addressed:
        story = loaded.view.story
        self._vault_is_ours(loaded.locality, story)
        created = story.created
        facts = {"interpreter": created is not None and created.interpreter}
        facts |= await self._persons_facts(loaded, name)
        language = created.language if created else "en"
        # Asked last of all, so that a change made while the rest was gathered is obeyed too.
        contact = await self._asked.contact(loaded.locality, loaded.referral_id)
        if not contact.safe:
            raise PermanentFailure("not_safe")
        if contact.telephone and contact.telephone.startswith("+") and can_be_texted(contact.telephone):
            return Addressed("text", contact.telephone, facts, language)
        if contact.email:
            return Addressed("mail", contact.email, facts, language)
        raise PermanentFailure("no_channel")

    def _vault_is_ours(self, locality: str, story: ReferralHistory) -> None:
        # A partner that keeps its own vault is not shown our token, which would open ours.
        source = story.created_said.source if story.created_said else ""
        place = self._localities.by_slug.get(locality)
        vault = place.vault(source) if place else None
        if vault != OWN_VAULT:
            raise PermanentFailure("vault_unknown" if vault is None else "vault_elsewhere")

    async def _persons_facts(self, loaded: Loaded[View], name: MessageName) -> dict[str, Any]:
        story = loaded.view.story
        if name.template is Template.NO_APPOINTMENT_YET:
            promised = story.waiting.expected_by if story.waiting else None
            practice = self._practice(story.created.practice if story.created else "")
            return {
                "promised": promised,
                "ring": self._localities.hub.telephone,
                "sender": sender_of(self._localities.by_slug.get(loaded.locality), practice),
            }
        meeting = _meeting(loaded.view, name)
        booked = meeting.booked
        practice = self._practice(booked.practice)
        return {
            "sender": sender_of(self._localities.by_slug.get(loaded.locality), practice),
            "starts_at": booked.starts_at,
            "mode": booked.mode.value,
            "place": f"{practice.site}, {practice.postcode}",
            "ring": await self._number_to_ring(loaded.locality, booked.link_worker),
            "sent_back": sent_back(story),
            "others": any(m is not meeting and m.status not in _OVER for m in _meetings(loaded.view)),
        }

    def _practice(self, code: str) -> Practice:
        practice = self._localities.practice(code)
        if practice is None:
            raise PermanentFailure("practice_unknown")
        return practice

    async def _number_to_ring(self, locality: str, link_worker: str) -> str:
        """The link worker's; the hub's for one of a partner's, of whom matching knows nothing."""
        try:
            card = await self._asked.link_worker(locality, link_worker)
        except PermanentFailure as unknown:
            if unknown.code != "link_worker_unknown":
                raise
            return self._localities.hub.telephone
        return as_dialled(card.telephone)

    async def _to_service(self, loaded: Loaded[View], name: MessageName) -> Addressed:
        prescribed = next(
            p.prescribed
            for p in loaded.view.story.prescriptions
            if p.prescribed.prescription_id == name.about
        )
        card = await self._asked.service(loaded.locality, prescribed.service_id)
        if card.mailbox_confirmed is False:
            raise PermanentFailure("mailbox_unconfirmed")
        if not card.asks_email:
            raise PermanentFailure("service_has_no_address")
        link = await self._asked.link(loaded.locality, prescribed.prescription_id)
        place = self._localities.by_slug.get(loaded.locality)
        facts = {
            "link": link.url,
            "service": card.service.name if card.service else "your service",
            "link_worker": await self._who_asks(loaded),
            "locality": place.name if place else loaded.locality,
            "programme": self._localities.name,
        }
        return Addressed("mail", card.asks_email, facts)

    async def _who_asks(self, loaded: Loaded[View]) -> str:
        """The link worker's name; nothing for a partner's, whom matching does not know."""
        if loaded.view.story.link_worker is None:
            return ""
        try:
            card = await self._asked.link_worker(loaded.locality, loaded.view.story.link_worker)
        except PermanentFailure as unknown:
            if unknown.code != "link_worker_unknown":
                raise
            return ""
        return card.name

    def _referrers_mailbox(self, story: ReferralHistory) -> str:
        created = story.created
        if created is not None and created.route is v.Route.HUB:
            return self._localities.hub.email
        practice = self._localities.practice(created.practice) if created is not None else None
        if practice is None or not practice.mailbox:
            raise PermanentFailure("no_mailbox")
        return practice.mailbox

    def _sign_in(self, path: str, loaded: Loaded[View]) -> dict[str, Any]:
        reference = loaded.referral_id
        return {
            "short_reference": short_reference(reference),
            "reference": reference,
            "link": f"{self._public_url}{path}",
        }


def sender_of(locality: Locality | None, practice: Practice) -> str:
    """The name that a message to the person begins with: the locality's own, or the practice's."""
    return (locality.text_sender if locality else None) or practice.name


def permanent_reference(key: str, channel: str) -> str:
    """What a gateway is told: the same for the same message, and telling nothing of it."""
    return hashlib.blake2b(f"{key}|{channel}".encode(), digest_size=16).hexdigest()


def _meeting(view: View, name: MessageName) -> Meeting:
    return next(m for m in _meetings(view) if m.booked.meeting_id == name.about)


def _meetings(view: View) -> tuple[Meeting, ...]:
    """All that people may have heard of."""
    return (*view.story.meetings, *view.taken_back)
