"""Parameters that routes of several features share."""

from typing import Annotated

from fastapi import Header, Path

BASE = "/api/referral/v1"

ReferralId = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", pattern=r"^[\x21-\x7e]{1,200}$")]
