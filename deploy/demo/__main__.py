"""`python -m deploy.demo` loads the invented programme. A second run changes nothing."""

from __future__ import annotations

import asyncio
import logging
import os

from deploy.demo.doors import DoorShut
from deploy.demo.playing import play
from deploy.demo.settings import DemoSettings
from deploy.demo.sign_in import SignInFailed
from shared.platform.clock import system_clock
from shared.platform.web.settings import load


def main() -> None:
    """Runs the command. Exits with a sentence if a service or the issuer refuses."""
    if os.environ.get("LINKWORK_ENV") != "development":  # before the settings ask for production's secrets
        raise SystemExit("The demonstration is for development: set LINKWORK_ENV=development to play it in.")
    settings = load(DemoSettings)
    # httpx would log every address it calls.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        asyncio.run(play(settings, system_clock, lambda line: print(line, flush=True)))
    except (DoorShut, SignInFailed) as reason:
        raise SystemExit(str(reason)) from None


if __name__ == "__main__":
    main()
