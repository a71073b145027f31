"""The page on which the programme sees how its messages go: counts and reasons, never a person."""

from pathlib import Path
from typing import Final

TEMPLATES: Final = Path(__file__).with_name("templates")
