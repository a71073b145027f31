"""`python -m deploy.development`"""

from deploy.development.app import development_app
from deploy.development.settings import DevelopmentSettings
from shared.web.app import serve
from shared.web.settings import load

if __name__ == "__main__":
    settings = load(DevelopmentSettings)
    serve(lambda: development_app(settings), settings)
