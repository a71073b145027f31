"""The page that shows the programme how its messages go: counts and reasons, no person."""

from services.notifications.ledger.pages.overview import TEMPLATES, page_routes

__all__ = ["TEMPLATES", "page_routes"]
