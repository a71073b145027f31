"""`python -m services.matching` runs the service."""

from services.matching.app import build
from services.matching.settings import MatchingSettings
from shared.web.app import serve
from shared.web.settings import load

if __name__ == "__main__":
    settings = load(MatchingSettings)
    serve(lambda: build(settings), settings)
