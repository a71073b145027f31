"""`python -m services.referral` runs the service."""

import gc

if __name__ == "__main__":
    gc.disable()  # what is loaded stays: looking through it is a sixth of the start
    from services.referral.app import create_app
    from services.referral.settings import ReferralSettings
    from shared.platform.web.app import serve
    from shared.platform.web.settings import load

    settings = load(ReferralSettings)
    serve(lambda: create_app(settings), settings)
