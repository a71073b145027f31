"""Seeded chance: the same key gives the same choices on every machine, in any order of calls."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

SEED = "linkwork demonstration 1"
T = TypeVar("T")


def chance(*key: object) -> random.Random:
    """The source of chance for one key."""
    return random.Random("/".join(map(str, (SEED, *key))))


def pick(rng: random.Random, weights: Mapping[T, float]) -> T:
    """Chooses a key. Each is chosen in proportion to its weight."""
    return rng.choices(list(weights), list(weights.values()))[0]


def stable_id(moment: datetime, *key: object) -> str:
    """A UUIDv7 of that moment whose random part follows from the key: same moment and key, same id."""
    digest = hashlib.sha256("/".join(map(str, (SEED, *key))).encode()).digest()
    number = int(moment.timestamp() * 1000) << 80 | int.from_bytes(digest[:10])
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=number))
