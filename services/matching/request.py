"""The context in which a person or a program asks matching for something."""

from dataclasses import dataclass

from shared.platform.web.principal import Principal


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The caller, and the idempotency key of the form or the request, if any.

    The same key with the same request is done once and answered again; with another request it is refused.
    """

    caller: Principal
    key: str | None = None
