"""`python -m services.matching` runs the service."""

import gc

if __name__ == "__main__":
    gc.disable()  # imported code stays, and collecting among it takes a sixth of the start
    from services.matching.app import create_app
    from services.matching.settings import MatchingSettings
    from shared.platform.web.app import serve
    from shared.platform.web.settings import load

    settings = load(MatchingSettings)
    serve(lambda: create_app(settings), settings)
