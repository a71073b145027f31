"""Reads an Open Referral UK feed into community services, and reports its defects."""

from services.matching.directory.feed.defects import Defect, Result
from services.matching.directory.feed.model import (
    Audience,
    Capacity,
    Cost,
    Location,
    Schedule,
    Service,
    Status,
)
from services.matching.directory.feed.reader import Import, read_directory
from services.matching.directory.feed.sessions import Session, next_sessions

__all__ = [
    "Audience",
    "Capacity",
    "Cost",
    "Defect",
    "Import",
    "Location",
    "Result",
    "Schedule",
    "Service",
    "Session",
    "Status",
    "next_sessions",
    "read_directory",
]
