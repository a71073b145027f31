"""One invented person's referral, while their story is being made up."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from deploy.demo.history.diary import PastDiary
from deploy.demo.history.journal import Journal
from services.matching.directory.feed import Service
from shared.contract.events import vocabulary as v
from shared.platform.localities import Practice
from shared.platform.localities.postcodes import Place


@dataclass(slots=True)
class Case:
    """`began` is when the referral was made; `number` counts the referrals of the history."""

    number: int
    journal: Journal
    rng: random.Random
    practice: Practice
    home: Place
    began: datetime
    diary: PastDiary
    services: Sequence[Service]  # Services that the locality offers.
    needs: tuple[v.Need, ...] = ()
    link_worker: str = ""
    visited: bool = False

    @property
    def locality(self) -> str:
        """The slug of the referral's locality."""
        return self.journal.locality

    def chance(self, probability: float) -> bool:
        """Returns True with this probability."""
        return self.rng.random() < probability
