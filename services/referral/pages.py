"""All page routes of this service."""

from fastapi import APIRouter

from services.referral.identity.pages import contact
from services.referral.intake.pages import refer
from services.referral.tracking.pages import another_time, followed, home, programme
from services.referral.web.templating import static_files


def page_routes() -> list[APIRouter]:
    """In the order in which somebody comes to them."""
    return [
        static_files.router(),
        home.routes(),
        refer.routes(),
        followed.routes(),
        another_time.routes(),
        contact.routes(),
        programme.routes(),
    ]
