"""Templates and stylesheet of the evaluation page."""

from pathlib import Path
from typing import Final

from services.evaluation.settings import EvaluationSettings
from shared.platform.web.pages import Pages
from shared.platform.web.static_files import StaticFiles

HERE: Final = Path(__file__).parent
static_files: Final = StaticFiles("/evaluation/static", HERE / "static", "evaluation.css")


def make_pages(settings: EvaluationSettings) -> Pages:
    """The shared page shell with this service's templates."""
    pages = Pages(settings, HERE / "templates")
    pages.environment.globals |= {"evaluation_version": static_files.version}
    return pages
