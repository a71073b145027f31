"""`python -m services.evaluation` runs the service."""

import gc

if __name__ == "__main__":
    gc.disable()  # imported code stays, and collecting among it takes a sixth of the start
    from services.evaluation.app import create_app
    from services.evaluation.settings import EvaluationSettings
    from shared.platform.web.app import serve
    from shared.platform.web.settings import load

    settings = load(EvaluationSettings)
    serve(lambda: create_app(settings), settings)
