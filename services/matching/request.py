"""The context of a request by a person or a program."""

from dataclasses import dataclass

from shared.platform.web.principal import Principal


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The caller, and the idempotency key of the form or the request, if any.

    The same key with the same request runs once and gets the same answer. With another request it is refused.
    `locality`: of a request of another part, whose right to it was checked. None for people.
    """

    caller: Principal
    key: str | None = None
    locality: str | None = None
