"""The programme's table of a run: each locality with a partner that may own booking there."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from chaos.handover.partner import client_of
from deploy.development.settings import USERS_FILE
from shared.platform.localities import LOCALITIES_FILE

# That of our own booking, as the table asks of whoever may own it.
RANK = 40
_OWNERS, _SOURCES = "owners = {}", "sources = ["


def write_table(folder: Path, bookers: Mapping[str, tuple[str, int]]) -> Path:
    """Writes the standard table with a source that brings booking in these localities. Returns the file.

    Args:
        folder: where the file goes, beside the register of practices.
        bookers: the partner's name and the port of its operations, by locality.

    Raises:
        ValueError: the standard table has no such locality.
    """
    text = LOCALITIES_FILE.read_text("utf-8")
    for slug, (name, port) in bookers.items():
        before, found, after = text.partition(f'slug = "{slug}"')
        entry, owners, rest = after.partition(_OWNERS)
        if not found or not owners or "[[locality]]" in entry:
            raise ValueError(f"the table has no entry of {slug} as expected")
        source = (
            f'{{ name = "{name}", part = "booking", rank = {RANK}, vault = "own", '
            f'api = "http://127.0.0.1:{port}" }}'
        )
        if _SOURCES in entry:
            entry = entry.replace(_SOURCES, f"{_SOURCES}{source}, ", 1)
        else:
            entry += f"{_SOURCES}{source}]\n"
        text = f"{before}{found}{entry}{owners}{rest}"
    shutil.copy(LOCALITIES_FILE.with_name("gp_practices.csv"), folder)
    file = folder / LOCALITIES_FILE.name
    file.write_text(text, "utf-8")
    return file


def write_users(folder: Path, names: Iterable[str]) -> Path:
    """Writes the invented users with clients of these partners as well. Returns the file."""
    text = USERS_FILE.read_text("utf-8")
    for name in names:
        if f'source = "{name}"' not in text:
            text += (
                f'\n[[partner]]\nid = "{client_of(name)}"\nname = "{name} (example)"\nsource = "{name}"\n'
                'parts = ["booking"]\nscopes = ["claims:read", "contacts:read"]\n'
            )
    file = folder / USERS_FILE.name
    file.write_text(text, "utf-8")
    return file
