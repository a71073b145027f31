"""A table of localities for one test alone."""

import shutil
from pathlib import Path

from shared.platform.localities import LOCALITIES_FILE


def one_locality(folder: Path, slug: str = "meir") -> Path:
    """A copy of the localities file in this folder, with its first locality alone, Meir, under this name."""
    for name in (LOCALITIES_FILE.name, "gp_practices.csv"):
        shutil.copy(LOCALITIES_FILE.with_name(name), folder)
    file = folder / LOCALITIES_FILE.name
    before, meir, *_ = file.read_text().split("[[locality]]")
    assert '\nslug = "meir"\n' in meir
    file.write_text(f"{before}[[locality]]" + meir.replace('\nslug = "meir"\n', f'\nslug = "{slug}"\n'))
    return file
