"""Solves the attacker's system: finds the counts that could be one number only."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import highspy
import numpy as np

from tests.harness.evaluation.attackers_knowledge import At, Published, System, counts, knowledge


def truth(exact: Published) -> dict[At, int]:
    """The exact counts."""
    return {
        At(place["place"], period, name): int(count)
        for period, figures in exact.items()
        for place in figures["places"]
        for name, count in counts(place)
    }


def recovered(published: Published, exact: Published) -> list[At]:
    """The counts that are not 0 and that follow from the published figures.

    Raises AssertionError where published figures contradict the counts.
    """
    system, true = knowledge(published), truth(exact)
    wanted = {at for at, number in true.items() if number}
    found: list[At] = []
    for part in _parts(system):
        found += _recovered(part, {at: true[at] for at in part.limits if at in wanted})
    return sorted(found)


def _parts(system: System) -> Iterator[System]:
    """Splits a system into independent systems, which are faster to solve."""
    leader = {at: at for at in system.limits}

    def lead(at: At) -> At:
        while leader[at] != at:
            leader[at] = leader[leader[at]]
            at = leader[at]
        return at

    for _, _, terms in system.rows:
        first, *others = terms
        for other in others:
            leader[lead(other)] = lead(first)
    parts: dict[At, System] = defaultdict(System)
    for at, limits in system.limits.items():
        parts[lead(at)].limits[at] = limits
    for row in system.rows:
        parts[lead(next(iter(row[2])))].rows.append(row)
    yield from parts.values()


def _recovered(system: System, true: Mapping[At, int]) -> list[At]:
    """Tries each count in turn. Each solution clears all counts that differ in it."""
    if not true:
        return []
    make: Any = highspy.Highs  # its constructor has no types
    solver = make()
    solver.silent()
    columns = {at: number for number, at in enumerate(system.limits)}
    for low, high in system.limits.values():
        solver.addVar(low, high)
    for column in columns.values():
        solver.changeColIntegrality(column, highspy.HighsVarType.kInteger)
    for least, most, terms in system.rows:
        at = np.array([columns[each] for each in terms], dtype=np.int32)
        solver.addRow(least, most, len(at), at, np.array(list(terms.values()), dtype=np.float64))
    for each, number in true.items():
        low, high = system.limits[each]
        assert low <= number <= high, each
    open_ = set(true)
    recovered_ = []
    for each in sorted(true):
        if each not in open_:
            continue
        column = columns[each]
        low, high = system.limits[each]
        for lower, upper in ((low, true[each] - 1), (true[each] + 1, high)):
            if lower > upper:
                continue
            solver.changeColBounds(column, lower, upper)
            solver.run()
            status = solver.getModelStatus()
            solver.changeColBounds(column, low, high)
            if status == highspy.HighsModelStatus.kOptimal:
                values = solver.getSolution().col_value
                open_ -= {other for other in open_ if round(values[columns[other]]) != true[other]}
                break
            assert status == highspy.HighsModelStatus.kInfeasible, status
        else:
            open_.discard(each)
            recovered_.append(each)
    return recovered_
