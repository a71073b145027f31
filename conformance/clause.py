"""Clauses: a number of the contract, how it is tried, and within which time."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from conformance.contract import PARTS, quote

if TYPE_CHECKING:
    from conformance.trial import Trial

Try = Callable[["Trial"], Awaitable[None]]
EVERY: Final = frozenset(PARTS)
# The report of a trial in which the part was silent.
NOTHING: Final = "nothing: the part said no word in this trial"


class Broken(Exception):
    """The part broke the clause: what was expected, and what came in its place."""

    def __init__(self, expected: str, came: str) -> None:
        super().__init__(expected)
        self.expected = expected
        self.came = came


class NotTried(Exception):
    """The clause cannot be tried with what was given. The text says what is missing."""


class Away(RuntimeError):
    """The part does not start, or its adapter does not answer. The text says which, and where to look."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause.

    Attributes:
        name: the number, and after a stroke the case, such as `ALL-3/full-log`.
        number: as in docs/contract.
        parts: the parts that owe it.
        limit: seconds within which the part acts.
        alone: nothing else is tried meanwhile, as the part is stopped or handed over.
        words: the contract's text, where it has no number.
    """

    name: str
    title: str
    parts: frozenset[str]
    limit: float
    alone: bool
    run: Try
    words: str = ""

    @property
    def number(self) -> str:
        """The number without the case."""
        return self.name.partition("/")[0]

    @property
    def text(self) -> str:
        """The words of the contract."""
        try:
            return quote(self.number)
        except KeyError:
            if not self.words:
                raise
            return self.words

    @property
    def how(self) -> str:
        """The way in which it is tried."""
        return " ".join((self.run.__doc__ or "").split())


_CLAUSES: Final[dict[str, Clause]] = {}


def clause(
    name: str,
    title: str,
    *,
    parts: Collection[str] = EVERY,
    limit: float = 60,
    alone: bool = False,
    words: str = "",
) -> Callable[[Try], Try]:
    """Registers a clause. Its docstring says how it is tried.

    `words` is the contract's text where it has no number.
    """

    def register(run: Try) -> Try:
        if name in _CLAUSES:
            raise ValueError(f"two clauses are named {name}")
        _CLAUSES[name] = Clause(name, title, frozenset(parts), limit, alone, run, words)
        return run

    return register


def clauses_of(part: str, only: Collection[str] = ()) -> list[Clause]:
    """The clauses that a part owes, by name; only those of these names or numbers, if any are given."""
    import conformance.clauses

    _ = conformance.clauses
    return [
        each
        for each in _CLAUSES.values()
        if part in each.parts and (not only or each.name in only or each.number in only)
    ]
