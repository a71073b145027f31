"""The certificates by which calls to others are trusted. To load them takes longer than many a call."""

import ssl
from functools import cache
from pathlib import Path

import httpx


@cache
def trusted_by_clients() -> ssl.SSLContext:
    """The TLS of calls to other services and to the issuer: httpx's own, loaded once."""
    return httpx.create_ssl_context()


@cache
def trusted_with(ca_file: Path | None) -> ssl.SSLContext:
    """The TLS of calls to addresses that people enter.

    The system's certificates are trusted, and those of a file beside them.
    """
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context
