"""Errors that a form or a body gets back, and the sentences in them."""

from shared.platform.localities import Contact
from shared.platform.web.validation import FieldError


class ValidationFailed(Exception):
    """A request that cannot be accepted as it stands. `errors` are in the order of the form."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("the request cannot be accepted as it stands")
        self.errors = errors


def contact_sentence(contact: Contact) -> str:
    """A sentence that says how to reach a hub or another contact."""
    return f"Please contact {contact.name}: {contact.telephone}, {contact.email}"
