"""The table of the effect of each fault, and of lost and doubled work. Pure."""

import math
import os
import platform
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chaos.evidence import Finding
from chaos.plan import DISK_FULL, SERVICES
from chaos.waits import Wait

BEGINS, ENDS = "<!-- {} begins -->", "<!-- {} ends -->"
# Seconds. A finding within this time of a strike counts for its fault.
AFTERWARDS = 30.0


@dataclass(frozen=True)
class Outcome:
    """The result of one system: each strike with the wait that it caused, and every deviation."""

    waits: Sequence[Wait]
    findings: Sequence[Finding]
    repeated: int = 0  # Messages that a gateway was given again under the same reference.
    handed: int = 0
    referrals: int = 0
    seconds: float = 0.0
    events: int = 0
    # Faults that this machine does not support, with the reason.
    not_had: Mapping[str, str] = field(default_factory=dict)
    # The planned number of strikes of each fault.
    asked: Mapping[str, int] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """True without any deviation."""
        return not self.findings

    @property
    def seldom(self) -> dict[str, int]:
        """The number of strikes of each fault that struck less often than planned."""
        struck = Counter(wait.record.strike.fault for wait in self.waits)
        return {fault: struck[fault] for fault, times in self.asked.items() if struck[fault] < times}


@dataclass(frozen=True, slots=True)
class Target:
    """The longest permitted wait: since the strike, or since the return of its target."""

    seconds: float
    after_return: bool = False

    def of(self, wait: Wait) -> float:
        """The wait to compare with the target, in seconds."""
        return wait.after_return if self.after_return else wait.without


# A group waits 3 s for a dead member, and we take 2 more. The return of a store is noticed within 10 s.
_SERVICE, _STORE = Target(5.0), Target(10.0, after_return=True)
# For single strikes: with several at once, the wait of each strike is not known.
TARGETS: Mapping[str, Target] = {
    **{f"{service} killed": _SERVICE for service in SERVICES},
    "killed at the gateway's yes": _SERVICE,
    **dict.fromkeys(
        (
            "Kafka killed",
            "MongoDB killed",
            DISK_FULL,
            "broker of three killed",
            "primary of three steps down",
        ),
        _STORE,
    ),
}


def table(outcomes: Sequence[Outcome], *, apart: bool = False) -> str:
    """The table in Markdown. A finding counts for every fault during whose time it occurred.

    `apart`: strikes came one at a time, so that the table can report whether each met its target.
    """
    waits: dict[str, list[Wait]] = defaultdict(list)
    blamed: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        for wait in outcome.waits:
            waits[wait.record.strike.fault].append(wait)
        for finding in outcome.findings:
            blamed.update((fault, finding.kind) for fault in _blamed(finding, outcome.waits))
    asked = sum((Counter(outcome.asked) for outcome in outcomes), Counter())
    head = ["fault", "times", "without service p50 s", "max s"]
    head += ["after return p50 s", "max s", "target"] if apart else ["lost", "doubled"]
    lines = [_row(head), "|---" * len(head) + "|"]
    for fault, found in sorted(waits.items()):
        cells = [
            fault,
            len(found) if len(found) >= asked[fault] else f"{len(found)} of {asked[fault]}",
            *_cells([w.without for w in found]),
        ]
        if apart:
            cells += [*_cells([w.after_return for w in found]), _judged(fault, found)]
        else:
            cells += [blamed[fault, "lost"], blamed[fault, "doubled"]]
        lines.append(_row(cells))
    for outcome in outcomes:
        lines += [
            _row([fault, f"0 of {times}", *[""] * (len(head) - 2)])
            for fault, times in outcome.asked.items()
            if fault not in waits
        ]
        lines += [
            _row([fault, f"0: {why}", *[""] * (len(head) - 2)]) for fault, why in outcome.not_had.items()
        ]
    return "\n".join(lines)


def late(outcomes: Sequence[Outcome]) -> list[Wait]:
    """Waits of single strikes that were longer than permitted."""
    return [
        wait
        for outcome in outcomes
        for wait in outcome.waits
        if (target := TARGETS.get(wait.record.strike.fault)) and target.of(wait) > target.seconds
    ]


def _judged(fault: str, waits: Sequence[Wait]) -> str:
    target = TARGETS.get(fault)
    if target is None:
        return ""
    met = all(target.of(wait) <= target.seconds for wait in waits)
    since = "after return" if target.after_return else "without service"
    return f"{target.seconds:.0f} s {since}, {'met' if met else '**not met**'}"


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _cells(seconds: Sequence[float]) -> tuple[str, str]:
    return f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}"


def _blamed(finding: Finding, waits: Sequence[Wait]) -> set[str]:
    return {
        wait.record.strike.fault
        for wait in waits
        if wait.record.began - AFTERWARDS <= finding.at <= wait.record.mended + AFTERWARDS
    }


def head(asked: Mapping[str, object], version: str, module: str = "chaos") -> str:
    """Date, machine and command, in a paragraph."""
    command = " ".join(
        f"--{name.replace('_', '-')}{'' if value is True else f' {value}'}"
        for name, value in asked.items()
        if value and value != math.inf and name not in ("keep", "write")
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{datetime.now(UTC):%d %B %Y}, version {version}, {os.cpu_count()} cores and {memory:.0f} GiB,"
        f" {platform.system()}, Python {platform.python_version()}; load average {os.getloadavg()[0]:.1f}"
        " before the start."
        f" `python -m {module} {command}`"
    )


def page(outcomes: Sequence[Outcome], *, apart: bool = False) -> str:
    """The table and a summary of each system."""
    return "\n\n".join((table(outcomes, apart=apart), *(f"- {summary(outcome)}" for outcome in outcomes)))


def with_table(text: str, name: str, table: str) -> str:
    """The page with a new table between the two marks of this name. Raises ValueError without the marks."""
    begin, end = BEGINS.format(name), ENDS.format(name)
    before, begins, rest = text.partition(begin)
    _, ends, after = rest.partition(end)
    if not begins or not ends:
        raise ValueError(f"the page has no {begin} and {end}")
    return f"{before}{begin}\n\n{table}\n\n{end}{after}"


def summary(outcome: Outcome) -> str:
    """The totals of a run, in a few lines."""
    kinds = Counter(finding.kind for finding in outcome.findings)
    rate = outcome.referrals / outcome.seconds if outcome.seconds else 0.0
    return (
        f"{len(outcome.waits)} faults; {outcome.referrals:,} referrals in {outcome.seconds:.0f} s,"
        f" {rate:.0f} a second; {outcome.events:,} records; lost {kinds['lost']}, doubled {kinds['doubled']},"
        f" otherwise wrong {kinds['wrong']}; {outcome.handed:,} messages sent,"
        f" {outcome.repeated} of them twice"
    )


def longest(outcome: Outcome, most: int = 12) -> str:
    """The longest waits, each with its cause."""
    waits = sorted(outcome.waits, key=lambda wait: -wait.without)[:most]
    return "\n".join(
        f"{wait.without:6.1f} s {wait.record.strike.fault} ({', '.join(wait.record.strike.targets)}) at"
        f" {datetime.fromtimestamp(wait.record.began, UTC):%H:%M:%S}, back after"
        f" {wait.record.mended - wait.record.began:.1f} s: {wait.longest_for}"
        for wait in waits
    )


def told(findings: Sequence[Finding], most: int = 40) -> str:
    """The findings counted by kind, and the first of them one by one."""
    counted = Counter((finding.kind, finding.what) for finding in findings)
    lines = [f"{number} x {kind}: {what}" for (kind, what), number in counted.most_common()]
    lines += [f"  {finding.kind}: {finding.what}: {finding.where}" for finding in findings[:most]]
    return "\n".join(lines)
