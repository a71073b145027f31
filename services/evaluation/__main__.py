"""`python -m services.evaluation` runs the service."""

from services.evaluation.app import evaluation_app
from services.evaluation.settings import EvaluationSettings
from shared.web.app import serve
from shared.web.settings import load

if __name__ == "__main__":
    settings = load(EvaluationSettings)
    serve(lambda: evaluation_app(settings), settings)
