"""The job in its simplest form: the fields read of a referral, its stored state, its published meeting."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from pydantic import BaseModel


class Referral(BaseModel):
    """As much of a ReferralCreated as a meeting needs."""

    referral_id: str
    locality: str
    practice: str
    person_ref: str
    age_band: str
    needs: list[str]
    urgency: str


def state(referral: Referral) -> dict[str, Any]:
    """The document stored under the referral's id."""
    kept = referral.model_dump(include={"locality", "practice", "person_ref", "needs", "urgency"})
    return kept | {"stage": "booked"}


def meeting(referral: Referral) -> dict[str, Any]:
    """The published event."""
    return {
        "referral_id": referral.referral_id,
        "locality": referral.locality,
        "link_worker": f"lw-{referral.locality}-1",
        "practice": referral.practice,
        "starts_at": (datetime.now(UTC) + timedelta(days=1)).isoformat(),
        "minutes": 45,
    }


def published(referral: Referral) -> bytes:
    """The published event as bytes."""
    return orjson.dumps(meeting(referral))
