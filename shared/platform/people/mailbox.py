"""E-mail addresses: exactly one mailbox, wherever one comes in.

An address is put into a mail's headers and handed to a mail server. A comma, a line end, a display name or a
comment in it could name a second reader or write a header of its own.
"""

from __future__ import annotations

from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import BeforeValidator, WithJsonSchema

from shared.platform.people.refusals import NotAccepted, custom_error

LONGEST = 254


class MailboxNotAccepted(NotAccepted):
    """`email_invalid`: not one e-mail address and nothing else."""


def parse_mailbox(written: str) -> str:
    """The one address in the text ("pat@EXAMPLE.org " -> "pat@example.org").

    Only ASCII addresses of the form name@domain are accepted: no display name, quotes, comments or address
    literals. The existence of the domain is not checked. Raises MailboxNotAccepted.
    """
    try:
        if len(written) > LONGEST + 20:  # before anything is made of it
            raise MailboxNotAccepted("email_invalid", _SENTENCE)
        found = validate_email(
            written.strip(" \t"),
            allow_smtputf8=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
            check_deliverability=False,
            strict=True,
        )
    except EmailNotValidError:
        raise MailboxNotAccepted("email_invalid", _SENTENCE) from None
    return found.ascii_email or found.normalized


def is_mailbox(written: str) -> bool:
    """Tells that this is exactly one address, as `parse_mailbox` gives it."""
    try:
        return parse_mailbox(written) == written
    except MailboxNotAccepted:
        return False


_SENTENCE = "Enter one email address, like name@example.org"


def _checked(given: object) -> str:
    try:
        return parse_mailbox(given if isinstance(given, str) else "")
    except MailboxNotAccepted as refused:
        raise custom_error(refused) from None


# A field that takes exactly one e-mail address.
Mailbox = Annotated[
    str,
    BeforeValidator(_checked),
    WithJsonSchema({"type": "string", "description": "One e-mail address", "examples": ["name@example.org"]}),
]
