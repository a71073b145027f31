"""A programme's table with as many localities as a measurement needs. Every entry is invented."""

import csv
from itertools import islice, product
from pathlib import Path
from string import ascii_lowercase
from typing import Final

from shared.platform.localities import LOCALITIES_FILE, load_localities

_REGISTER: Final = "gp_practices.csv"
_ENTRY: Final = """
[[locality]]
slug = "{slug}"
name = "{slug}"
place = "An invented place"
live_from = 2025-01-06
data_controller = "Invented Community Health"
employer = "Invented Link Support"
privacy_notice = "https://privacy.linkwork.example/{slug}"
minimum_age = 18
practices = [{{ ods = "{ods}", site = "Invented Surgery" }}]
owners = {{}}

[locality.younger_people]
name = "Invented youth support"
telephone = "01632 960111"
email = "youth@invented.example"

[locality.safeguarding]
name = "Invented safeguarding desk"
telephone = "01632 960121"
email = "safeguarding@invented.example"
"""


def slugs(count: int) -> list[str]:
    """Slugs of invented localities, such as `place-aaa`."""
    return [f"place-{''.join(letters)}" for letters in islice(product(ascii_lowercase, repeat=3), count)]


def write_table(folder: Path, count: int) -> tuple[Path, list[str]]:
    """Writes the standard table with invented localities, so that it has `count` real ones.

    Returns:
        The file and the slugs of these localities. A table has no fewer than the standard one; of those,
        the first `count` are named.
    """
    standard = load_localities().real
    known = [locality.slug for locality in standard]
    invented = slugs(max(0, count - len(known)))
    codes = [f"X{number:05d}" for number in range(len(invented))]
    register = LOCALITIES_FILE.with_name(_REGISTER)
    with register.open(newline="", encoding="utf-8") as lines:
        reader = csv.DictReader(lines)
        rows, names = list(reader), list(reader.fieldnames or ())
    with (folder / _REGISTER).open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, names)
        writer.writeheader()
        writer.writerows([*rows, *({**rows[0], "Code": code} for code in codes)])
    entries = (_ENTRY.format(slug=slug, ods=ods) for slug, ods in zip(invented, codes, strict=True))
    file = folder / LOCALITIES_FILE.name
    file.write_text(LOCALITIES_FILE.read_text("utf-8") + "".join(entries), "utf-8")
    return file, [*known, *invented][:count]
