"""Runs the development process: `python -m deploy.development`."""

import os

from deploy.development.app import development_app
from deploy.development.settings import DevelopmentSettings, refuse_production
from shared.platform.web.app import serve
from shared.platform.web.settings import load

if __name__ == "__main__":
    refuse_production(os.environ.get("LINKWORK_ENV"))  # before the settings ask for production's secrets
    settings = load(DevelopmentSettings)
    serve(lambda: development_app(settings), settings)
