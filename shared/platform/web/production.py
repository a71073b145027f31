"""Rules for settings in production. Each finding is a sentence that names a variable and quotes no value."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final, Literal
from urllib.parse import urlsplit

# Of an address: reached by browsers, by us outside our own network, or by one of our services.
Reach = Literal["public", "outside", "inside"]

PREFIX: Final = "LINKWORK_"
_FEWEST_SIGNS: Final = 8
_PLACEHOLDERS: Final = re.compile(
    r"development|change.?me|password|passwort|placeholder|example|letmein|qwerty|todo|insert|your.?(secret|key)",
    re.IGNORECASE,
)
_DEVELOPMENT_PATH: Final = re.compile(r"^/dev(/|$)")
_THIS_MACHINE: Final = ("localhost", "127.", "0.0.0.0", "::1")  # noqa: S104 - looked for, not listened on


def address_problems(name: str, url: str, reach: Reach, *, network_is_trusted: bool) -> Iterator[str]:
    """Findings about an address; an empty one is not used."""
    if not url:
        return
    variable, parts = PREFIX + name.upper(), urlsplit(url)
    if parts.scheme == "http" and reach == "inside":
        if not network_is_trusted:
            yield (
                f"{variable} is plain http: use https, or set LINKWORK_TRUSTED_NETWORK=1 where nobody else "
                "can read the network between our services."
            )
    elif parts.scheme != "https":
        yield f"{variable} is not https."
    host = parts.hostname or ""
    if not host:
        yield f"{variable} names no host."
    if _DEVELOPMENT_PATH.match(parts.path):
        yield f"{variable} is the development issuer or mailbox, which signs in anybody and delivers nothing."
    if parts.username or parts.password:
        yield f"{variable} holds a user name or password: addresses are logged."
    if reach == "public":
        if host.startswith(_THIS_MACHINE):
            yield f"{variable} is this machine's own name: nobody else reaches it."
        if parts.path or parts.query or parts.fragment:
            yield f"{variable} goes on after the host: leave out the slash and what follows."


def secret_problems(name: str, value: str, *, development: str, shortest: int) -> Iterator[str]:
    """Findings about one required secret."""
    variable = PREFIX + name.upper()
    if not value:
        yield f"{variable} is not set: it is a secret and has no default in production."
    elif value == development:
        yield f"{variable} is the development secret: production needs its own."
    elif len(value) < shortest:
        yield f"{variable} is too short: use at least {shortest} characters."
    elif is_trivial(value):
        yield f"{variable} is easy to guess: use random characters, such as from `openssl rand -base64 32`."


def equal_secrets(secrets: Mapping[str, str]) -> Iterator[str]:
    """Findings about secrets, by the setting's name, that are the same."""
    by_value: dict[str, list[str]] = {}
    for name, value in secrets.items():
        if value:
            by_value.setdefault(value, []).append(PREFIX + name.upper())
    for names in by_value.values():
        if len(names) > 1:
            yield f"{_listed(names)} are equal: each needs a value of its own."


def is_trivial(value: str) -> bool:
    """True if a secret of enough characters would be among the first guesses.

    It has few different characters, repeats one part, runs along the alphabet or the keyboard's digits, or
    holds a placeholder's words.
    """
    if len(set(value)) < _FEWEST_SIGNS or _PLACEHOLDERS.search(value):
        return True
    if value in (value + value)[1:-1]:
        return True
    steps = [ord(after) - ord(before) for before, after in pairwise(value)]
    return sum(step in (0, 1, -1) for step in steps) > len(steps) / 2


def in_one(problems: Iterable[str]) -> str:
    """All findings as one line, each once."""
    return " ".join(dict.fromkeys(problems))


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
