"""What evaluation says: nothing on the bus. It answers questions over HTTP (`api`, `pages`)."""

from typing import Final

PUBLISHES: Final[tuple[str, ...]] = ()
"""Kinds of facts of its own: none."""
