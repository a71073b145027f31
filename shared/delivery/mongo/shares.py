"""Shares leases among the processes of a service, so that the first one does not hold all of them."""

from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b

from shared.delivery.mongo.leases import SHARES, Leases


class SharedLeases:
    """One process's share of leases, which moves when processes come and go.

    A process shares with those alone that want the same leases, as others serve other localities. Each holds
    a lease by which they know each other.
    """

    def __init__(self, leases: Leases, me: str) -> None:
        """`me` is the holder's name in `leases`."""
        self._leases = leases
        self._me = me
        self._shares: dict[str, str] = {}
        # The names and holders that the shares were computed of.
        self._of: tuple[frozenset[str], tuple[str, ...]] = (frozenset(), ())

    async def wanted(self, names: Sequence[str]) -> list[str]:
        """The leases that this process should hold. It gives those of another share to their process.

        Raises:
            PyMongoError: the database is away.
        """
        those = f"{SHARES}{set_name(names)}/"
        of = (frozenset(await self._leases.holders(those)), tuple(names))
        if of != self._of:
            self._of, self._shares = of, shares_of(names, of[0])
        held = [name for name in names if self._shares[name] != self._me and self._leases.held(name)]
        for other in {self._shares[name] for name in held}:
            await self._leases.give([name for name in held if self._shares[name] == other], other)
        return [f"{those}{self._me}", *(name for name in names if self._shares[name] == self._me)]


def set_name(names: Iterable[str]) -> str:
    """A short name of a set of names, for a lease of those processes that serve the same."""
    return _digest(",".join(sorted(names))).hex()


def shares_of(names: Iterable[str], holders: Collection[str]) -> dict[str, str]:
    """The holder of each name: the one whose digest with the name is the highest.

    Every process comes to the same result. If a holder comes or goes, only names of that holder move.
    """
    return {name: max(holders, key=lambda holder: (_digest(f"{name}|{holder}"), holder)) for name in names}


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()
