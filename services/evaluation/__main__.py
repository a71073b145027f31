"""`python -m services.evaluation` runs the service."""

import gc

if __name__ == "__main__":
    gc.disable()  # what is loaded stays: looking through it is a sixth of the start
    from services.evaluation.app import evaluation_app
    from services.evaluation.settings import EvaluationSettings
    from shared.platform.web.app import serve
    from shared.platform.web.settings import load

    settings = load(EvaluationSettings)
    serve(lambda: evaluation_app(settings), settings)
