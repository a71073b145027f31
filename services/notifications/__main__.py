"""`python -m services.notifications` runs the service."""

import gc

if __name__ == "__main__":
    gc.disable()  # imported code stays, and collecting among it takes a sixth of the start
    from services.notifications.app import create_app
    from services.notifications.settings import NotificationsSettings
    from shared.platform.web.app import serve
    from shared.platform.web.settings import load

    settings = load(NotificationsSettings)
    serve(lambda: create_app(settings), settings)
