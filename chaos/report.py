"""The table: what each fault did, and what was lost and doubled. Pure."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chaos.evidence import Finding
from chaos.waits import Wait

AFTERWARDS = 30.0
"""Seconds. What goes wrong so long after a blow is put down to it."""


@dataclass(frozen=True)
class Outcome:
    """Of one system: each blow with the wait that it caused, and everything that is not as it should be."""

    waits: Sequence[Wait]
    findings: Sequence[Finding]
    repeated: int = 0
    """Messages that a gateway was given again under the same reference."""
    handed: int = 0
    referrals: int = 0
    seconds: float = 0.0
    events: int = 0
    not_had: Mapping[str, str] = field(default_factory=dict)
    """Faults that could not be had on this machine, and why."""

    @property
    def clean(self) -> bool:
        return not self.findings


def table(outcomes: Sequence[Outcome]) -> str:
    """In Markdown. A finding counts for every fault in whose time it falls."""
    waits: dict[str, list[Wait]] = defaultdict(list)
    blamed: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        for wait in outcome.waits:
            waits[wait.struck.blow.fault].append(wait)
        for finding in outcome.findings:
            blamed.update((fault, finding.kind) for fault in _blamed(finding, outcome.waits))
    head = "| fault | times | without service p50 | longest | after return p50 | longest | lost | doubled |"
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    for fault, found in sorted(waits.items()):
        cells = [
            fault,
            len(found),
            *_cells([w.without for w in found]),
            *_cells([w.after_return for w in found]),
        ]
        cells += [blamed[fault, "lost"], blamed[fault, "doubled"]]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    for outcome in outcomes:
        lines += [f"| {fault} | 0: {why} | | | | | | |" for fault, why in outcome.not_had.items()]
    return "\n".join(lines)


def _cells(seconds: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(seconds):.1f} s", f"{max(seconds):.1f} s"


def _blamed(finding: Finding, waits: Sequence[Wait]) -> set[str]:
    return {
        wait.struck.blow.fault
        for wait in waits
        if wait.struck.struck - AFTERWARDS <= finding.at <= wait.struck.mended + AFTERWARDS
    }


def summary(outcome: Outcome) -> str:
    """What there was beside the blows, in a few lines."""
    kinds = Counter(finding.kind for finding in outcome.findings)
    rate = outcome.referrals / outcome.seconds if outcome.seconds else 0.0
    return "\n".join(
        (
            f"{outcome.referrals} referrals in {outcome.seconds:.0f} s, {rate:.0f} a second;"
            f" {outcome.events} records on the bus; {len(outcome.waits)} blows",
            f"lost {kinds['lost']}, doubled {kinds['doubled']}, otherwise wrong {kinds['wrong']}",
            f"{outcome.handed} messages handed over, {outcome.repeated} of them a second time",
        )
    )


def told(findings: Sequence[Finding], most: int = 40) -> str:
    """The findings by what they are, and the first of them one by one."""
    counted = Counter((finding.kind, finding.what) for finding in findings)
    lines = [f"{number} x {kind}: {what}" for (kind, what), number in counted.most_common()]
    lines += [f"  {finding.kind}: {finding.what}: {finding.where}" for finding in findings[:most]]
    return "\n".join(lines)
