"""`python -m services.notifications` runs the service."""

from services.notifications.app import build
from services.notifications.settings import NotificationsSettings
from shared.web.app import serve
from shared.web.settings import load

if __name__ == "__main__":
    settings = load(NotificationsSettings)
    serve(lambda: build(settings), settings)
