"""Community services from an Open Referral UK feed, with a report of what was wrong in it."""

from shared.directory.defects import Defect, Result
from shared.directory.model import Audience, Capacity, Cost, Location, Schedule, Service, Status
from shared.directory.reading import Import, read_directory
from shared.directory.sessions import Session, next_sessions

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
