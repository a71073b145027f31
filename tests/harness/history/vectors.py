"""Makes the vectors: the rules by hand, and journeys from the properties' generator with fixed seeds.

`python -m tests.harness.history.vectors` writes the files anew.
"""

import json
import re
from pathlib import Path
from random import Random
from typing import Final

from shared.contract.history.vectors.files import FOLDER, Vector, VectorFile, folded, written
from tests.harness.history.journeys import journey_of_random
from tests.harness.history.logs import log_files
from tests.harness.history.rules import RULES
from tests.harness.history.rules.rule import SOURCES

JOURNEYS: Final = "journeys.json"
# The number of facts of each journey; its place in the list is the seed.
LENGTHS: Final = (3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 22, 24, 30, 40)
ROOT: Final = Path(__file__).parents[3]
LOGS: Final = ROOT / "shared" / "contract" / "events" / "vectors"
PAGE: Final = ROOT / "docs" / "contract" / "fold.md"
ARROW: Final = "→"
# A rule of the page, up to the next one or the next heading.
_BLOCK: Final = re.compile(r"^\*\*(F\d+)\.\*\*.*?(?=^\*\*F\d+\.|^## |\Z)", re.MULTILINE | re.DOTALL)
_ANY: Final = "A journey of any facts: contradictions, retractions, clocks an hour wrong, facts in any order."


def files() -> dict[str, VectorFile]:
    """Every file of vectors by name, as it should be."""
    made = {
        name: [
            Vector(rule.name, tuple(rule.numbers.split()), rule.rule, tuple(rule.facts), {}) for rule in rules
        ]
        for name, rules in RULES.items()
    }
    made[JOURNEYS] = [
        Vector(f"journey_{seed}", ("F2",), _ANY, tuple(journey_of_random(Random(seed), length)), {})
        for seed, length in enumerate(LENGTHS)
    ]
    return {name: folded(VectorFile({}, SOURCES, tuple(vectors))) for name, vectors in made.items()}


def write(folder: Path = FOLDER) -> None:
    """Writes the fold's."""
    for name, file in files().items():
        (folder / name).write_text(written(file), encoding="utf-8")


def of_rules() -> dict[str, list[str]]:
    """The names of the vectors that show each rule. The journeys show all of them, and are left out."""
    shown = [(v.name, v.rules) for name, file in files().items() if name != JOURNEYS for v in file.vectors]
    shown += [(v["name"], v["rules"]) for v in json.loads(log_files()["log.json"])["vectors"]]
    found: dict[str, list[str]] = {}
    for name, rules in shown:
        for rule in rules:
            found.setdefault(rule, []).append(name)
    return found


def page(text: str) -> str:
    """The text of docs/contract/fold.md with the names of its vectors below each rule."""
    shown = of_rules()

    def named(block: re.Match[str]) -> str:
        said = "\n".join(line for line in block[0].splitlines() if not line.startswith(ARROW)).rstrip()
        return f"{said}\n\n{ARROW} {', '.join(shown.get(block[1], []))}\n\n"

    return _BLOCK.sub(named, text).rstrip() + "\n"


if __name__ == "__main__":
    write()
    for file_name, content in log_files().items():
        (LOGS / file_name).write_text(content, encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
