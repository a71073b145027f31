"""All page routes of this service."""

from fastapi import APIRouter

from services.referral.pages import another_time, contact, followed, home, programme, refer
from services.referral.pages.site import static_routes


def page_routes() -> list[APIRouter]:
    """In the order in which somebody comes to them."""
    return [
        static_routes(),
        home.routes(),
        refer.routes(),
        followed.routes(),
        another_time.routes(),
        contact.routes(),
        programme.routes(),
    ]
