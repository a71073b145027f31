"""Community services from an Open Referral UK feed, with a report of what was wrong in it."""

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
from services.matching.directory.feed.reading import Import, read_directory
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
