"""Labels of messages: what they say, whom they are for, and why one was not sent."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from shared.contract.labels.table import Labels, labels

TEMPLATES: Final[Labels] = labels(
    {
        "booked": "Appointment booked",
        "rebooked": "Appointment moved",
        "cancelled": "Appointment cancelled",
        "reminder": "Reminder the day before",
        "no_appointment_yet": "No appointment yet",
        "returned": "Referral sent back",
        "asked": "Can you take somebody?",
    }
)

RECIPIENTS: Final[Labels] = labels(
    {
        "person": "The person",
        "link_worker": "The link worker",
        "referrer": "The referrer",
        "service": "The service",
    }
)

# A short label, and a sentence on what it means.
NOT_SENT: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "too_late": ("Too late", "It could not be sent while it was still of use."),
        "handed_over": ("Handed over", "Another organisation sends the messages there now."),
        "maybe_sent": (
            "May have been sent",
            "A database was restored, and does not know whether this was sent. Ring, if it matters.",
        ),
        "no_channel": ("No way to write", "No mobile number and no email address: the link worker rings."),
        "no_mailbox": (
            "No mailbox",
            "No mailbox is entered for this practice, under Localities and practices.",
        ),
        "address_refused": ("Address refused", "The mail server does not know this address."),
        "mail_refused": ("Email refused", "The mail server did not take this email."),
        "text_refused": ("Text refused", "The gateway for text messages did not take it."),
        "no_text_gateway": ("Texts are not set up", "No gateway for text messages is set."),
        "person_unknown": ("Person not found", "The referral service does not know this referral."),
        "link_worker_unknown": ("Link worker not found", "Matching does not know this link worker."),
        "service_unknown": ("Service not found", "Matching does not know this service."),
        "service_has_no_address": (
            "Service has no address",
            "The directory has no email address to ask it at.",
        ),
        "mailbox_unconfirmed": (
            "Service has not confirmed its address",
            "We cannot mail them yet: ring them. We have asked them to confirm their email address.",
        ),
        "prescription_unknown": ("Request not found", "Matching does not know this request."),
        "link_ended": ("Link ended", "The link worker ended the service’s link, or wrong codes did."),
        "practice_unknown": ("Practice not found", "The localities file does not know this practice."),
        "vault_refused": (
            "Not allowed to read contacts",
            "The referral service refused. Tell those who run Linkwork.",
        ),
        "matching_refused": ("Not allowed to ask matching", "Matching refused. Tell those who run Linkwork."),
        "vault_unknown": (
            "Source not registered",
            "The localities file does not say who keeps this person’s contacts.",
        ),
        "vault_elsewhere": (
            "Contacts kept elsewhere",
            "A partner keeps this person’s contacts, and tells them itself.",
        ),
        "sandboxed": ("Sandbox", "Everything in a sandbox is invented, so nothing is sent to anybody."),
        "erased": ("Person erased", "Nothing is sent to somebody whose details were erased."),
        "not_safe": ("Not safe to write", "The referral service no longer says that it is safe."),
    }
)
