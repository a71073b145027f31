"""The page of the programme's figures."""

from services.evaluation.pages.overview import page_routes
from services.evaluation.web.templating import make_pages

__all__ = ["make_pages", "page_routes"]
