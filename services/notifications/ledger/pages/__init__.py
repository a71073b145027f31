"""The programme's page of its messages: counts and reasons, never a person."""

from pathlib import Path
from typing import Final

TEMPLATES: Final = Path(__file__).with_name("templates")
