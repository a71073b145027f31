"""Codes as the programme's staff read them."""

from typing import Final

from services.notifications.messages import Recipient, Template

TEMPLATES: Final = {
    Template.BOOKED: "Appointment booked",
    Template.REBOOKED: "Appointment changed",
    Template.CANCELLED: "Appointment cancelled",
    Template.REMINDER: "Reminder the day before",
    Template.NO_APPOINTMENT_YET: "No appointment yet",
    Template.ASKED: "Can you take somebody?",
}
RECIPIENTS: Final = {
    Recipient.PERSON: "the person",
    Recipient.LINK_WORKER: "the link worker",
    Recipient.REFERRER: "who referred",
    Recipient.SERVICE: "the service",
}
REASONS: Final = {
    "too_late": ("Too late", "It could not be sent while it was still of use."),
    "no_channel": ("No way to write", "No mobile number and no email address: the link worker rings."),
    "no_mailbox": ("No mailbox", "The localities file names no mailbox for this practice."),
    "address_refused": ("Address refused", "The mail server does not know this address."),
    "mail_refused": ("Email refused", "The mail server did not take this email."),
    "text_refused": ("Text refused", "The gateway for text messages did not take it."),
    "no_text_gateway": ("Texts are not set up", "No gateway for text messages is set."),
    "person_unknown": ("Person not found", "The referral service does not know this referral."),
    "link_worker_unknown": ("Link worker not found", "Matching does not know this link worker."),
    "service_unknown": ("Service not found", "Matching does not know this service."),
    "service_has_no_address": ("Service has no address", "The directory has no email address to ask it at."),
    "prescription_unknown": ("Request not found", "Matching does not know this request."),
    "practice_unknown": ("Practice not found", "The localities file does not know this practice."),
    "vault_refused": (
        "Not allowed to read contacts",
        "The referral service refused. Tell those who run Linkwork.",
    ),
    "matching_refused": ("Not allowed to ask matching", "Matching refused. Tell those who run Linkwork."),
    "vault_unknown": (
        "Source not registered",
        "The localities file does not say who keeps this person's contacts.",
    ),
    "vault_elsewhere": (
        "Contacts kept elsewhere",
        "A partner keeps this person's contacts, and tells them itself.",
    ),
    "erased": ("Person erased", "Nothing is sent to somebody whose details were erased."),
    "not_safe": ("Not safe to write", "The referral service no longer says that it is safe."),
}


def reason(code: str) -> tuple[str, str]:
    """What a code means, and what it is about."""
    return REASONS.get(code, (code.replace("_", " ").capitalize(), ""))
