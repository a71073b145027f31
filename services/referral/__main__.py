"""`python -m services.referral` runs the service."""

import gc

if __name__ == "__main__":
    gc.disable()  # Loaded modules stay, and collecting them takes a sixth of the start.
    from services.referral.app import create_app
    from services.referral.settings import ReferralSettings
    from shared.platform.web.app import serve
    from shared.platform.web.settings import load

    settings = load(ReferralSettings)
    serve(lambda: create_app(settings), settings)
