"""Items of each instrument, and the scores that each item may take."""

from collections.abc import Mapping

from shared.contract.events.vocabulary import Instrument


def _numbered(prefix: str, count: int, low: int, high: int) -> dict[str, tuple[int, int]]:
    return {f"{prefix}{n}": (low, high) for n in range(1, count + 1)}


ITEMS: Mapping[Instrument, Mapping[str, tuple[int, int]]] = {
    Instrument.ONS4: dict.fromkeys(("satisfied", "worthwhile", "happy", "anxious"), (0, 10)),
    Instrument.DIRECT_LONELINESS: {"lonely": (1, 5)},
    Instrument.UCLA3: _numbered("item", 3, 1, 3),
    Instrument.PHQ9: _numbered("item", 9, 0, 3),
    Instrument.GAD7: _numbered("item", 7, 0, 3),
    Instrument.SWEMWBS: _numbered("item", 7, 1, 5),
}


def valid_scores(instrument: Instrument, scores: Mapping[str, int]) -> bool:
    """True if there is an answer, and each is an item of the instrument within its range."""
    items = ITEMS[instrument]
    return bool(scores) and all(
        name in items and items[name][0] <= score <= items[name][1] for name, score in scores.items()
    )
