"""Answers of the issuer about one person, verified, and its refusals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class IssuerUnavailable(Exception):
    """The issuer does not answer, or answers with a fault that says nothing of the person."""


class NotGranted(Exception):
    """The issuer refuses, or its answer is not to be believed. `code` holds nothing of the person."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NoRole(NotGranted):
    """The issuer knows the person, and gives them no role here."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The rights of a signed-in person.

    Attributes:
        claims: as `principal_of` reads them, with how surely and when the person signed in.
        until: when these rights end without a newer answer (UTC).
        subject: the person as the issuer's ID tokens and logout tokens name them.
        sid: their session at the issuer, if it names sessions.
        refresh_token: asks for a newer answer; None if the issuer gave none.
    """

    claims: Mapping[str, Any]
    until: datetime
    subject: str
    sid: str | None = None
    refresh_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LogoutNotice:
    """A notice of the issuer that a session of its own, or all of one person, ended.

    At least one of `subject` and `sid` is set.
    """

    jti: str
    subject: str | None
    sid: str | None
