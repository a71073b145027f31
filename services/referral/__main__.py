"""`python -m services.referral` runs the service."""

from services.referral.app import referral_app
from services.referral.settings import ReferralSettings
from shared.web.app import serve
from shared.web.settings import load

if __name__ == "__main__":
    settings = load(ReferralSettings)
    serve(lambda: referral_app(settings), settings)
