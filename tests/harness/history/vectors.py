"""Makes the vectors: the rules by hand, and journeys from the properties' generator with fixed seeds.

`python -m tests.harness.history.vectors` writes the files anew.
"""

from pathlib import Path
from random import Random
from typing import Final

from shared.contract.history.vectors.files import FOLDER, Vector, VectorFile, folded, written
from tests.harness.history.journeys import journey_of_random
from tests.harness.history.rules import RULES
from tests.harness.history.rules.rule import PRIORITIES

JOURNEYS: Final = "journeys.json"
# The number of facts of each journey; its place in the list is the seed.
LENGTHS: Final = (3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 22, 24, 30, 40)
_ANY: Final = "A journey of any facts: contradictions, retractions, clocks an hour wrong, facts in any order."


def files() -> dict[str, VectorFile]:
    """Every file of vectors by name, as it should be."""
    made = {
        name: [Vector(rule.name, rule.rule, tuple(rule.facts), {}) for rule in rules]
        for name, rules in RULES.items()
    }
    made[JOURNEYS] = [
        Vector(f"journey_{seed}", _ANY, tuple(journey_of_random(Random(seed), length)), {})
        for seed, length in enumerate(LENGTHS)
    ]
    return {name: folded(VectorFile({}, PRIORITIES, tuple(vectors))) for name, vectors in made.items()}


def write(folder: Path = FOLDER) -> None:
    """Writes them all."""
    for name, file in files().items():
        (folder / name).write_text(written(file), encoding="utf-8")


if __name__ == "__main__":
    write()
