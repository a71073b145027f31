"""The table: what each fault did, and what was lost and doubled. Pure."""

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
    asked: Mapping[str, int] = field(default_factory=dict)
    """How often each fault was to strike."""

    @property
    def clean(self) -> bool:
        return not self.findings

    @property
    def seldom(self) -> dict[str, int]:
        """How often each fault struck that struck less often than it was to."""
        struck = Counter(wait.struck.blow.fault for wait in self.waits)
        return {fault: struck[fault] for fault, times in self.asked.items() if struck[fault] < times}


@dataclass(frozen=True, slots=True)
class Target:
    """How long somebody may have to wait: since the blow, or since what was struck is back."""

    seconds: float
    after_return: bool = False

    def of(self, wait: Wait) -> float:
        return wait.after_return if self.after_return else wait.without


# A group waits 3 s for a member that died, and 2 more are ours; a store's return is seen within 10.
_SERVICE, _STORE = Target(5.0), Target(10.0, after_return=True)
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
"""Of faults that come alone: what waits for one blow is not told from what waits for the next."""


def table(outcomes: Sequence[Outcome], *, apart: bool = False) -> str:
    """In Markdown. A finding counts for every fault in whose time it falls.

    `apart`: blows came one at a time, so that the table can say whether each was over in time.
    """
    waits: dict[str, list[Wait]] = defaultdict(list)
    blamed: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        for wait in outcome.waits:
            waits[wait.struck.blow.fault].append(wait)
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
    """Waits of blows that came one at a time that were longer than they may be."""
    return [
        wait
        for outcome in outcomes
        for wait in outcome.waits
        if (target := TARGETS.get(wait.struck.blow.fault)) and target.of(wait) > target.seconds
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
        wait.struck.blow.fault
        for wait in waits
        if wait.struck.struck - AFTERWARDS <= finding.at <= wait.struck.mended + AFTERWARDS
    }


def head(asked: Mapping[str, object], version: str) -> str:
    """When, where and how, in a paragraph."""
    command = " ".join(
        f"--{name.replace('_', '-')} {value}"
        for name, value in asked.items()
        if value and value != math.inf and name not in ("keep", "write")
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{datetime.now(UTC):%d %B %Y}, version {version}, {os.cpu_count()} cores and {memory:.0f} GiB,"
        f" {platform.system()}, Python {platform.python_version()}; load average {os.getloadavg()[0]:.1f}"
        " before the start."
        f" `python -m chaos {command}`"
    )


def page(outcomes: Sequence[Outcome], *, apart: bool = False) -> str:
    """The table and what there was beside it."""
    return "\n\n".join((table(outcomes, apart=apart), *(f"- {summary(outcome)}" for outcome in outcomes)))


def with_table(text: str, name: str, table: str) -> str:
    """A page with this between the two marks of this name. Raises ValueError where it has none."""
    begin, end = BEGINS.format(name), ENDS.format(name)
    before, begins, rest = text.partition(begin)
    _, ends, after = rest.partition(end)
    if not begins or not ends:
        raise ValueError(f"the page has no {begin} and {end}")
    return f"{before}{begin}\n\n{table}\n\n{end}{after}"


def summary(outcome: Outcome) -> str:
    """What there was beside the blows, in a few lines."""
    kinds = Counter(finding.kind for finding in outcome.findings)
    rate = outcome.referrals / outcome.seconds if outcome.seconds else 0.0
    return (
        f"{len(outcome.waits)} faults; {outcome.referrals:,} referrals in {outcome.seconds:.0f} s,"
        f" {rate:.0f} a second; {outcome.events:,} records; lost {kinds['lost']}, doubled {kinds['doubled']},"
        f" otherwise wrong {kinds['wrong']}; {outcome.handed:,} messages sent,"
        f" {outcome.repeated} of them twice"
    )


def longest(outcome: Outcome, most: int = 12) -> str:
    """The longest waits one by one, and what for."""
    waits = sorted(outcome.waits, key=lambda wait: -wait.without)[:most]
    return "\n".join(
        f"{wait.without:6.1f} s {wait.struck.blow.fault} ({', '.join(wait.struck.blow.targets)}) at"
        f" {datetime.fromtimestamp(wait.struck.struck, UTC):%H:%M:%S}, back after"
        f" {wait.struck.mended - wait.struck.struck:.1f} s: {wait.longest_for}"
        for wait in waits
    )


def told(findings: Sequence[Finding], most: int = 40) -> str:
    """The findings by what they are, and the first of them one by one."""
    counted = Counter((finding.kind, finding.what) for finding in findings)
    lines = [f"{number} x {kind}: {what}" for (kind, what), number in counted.most_common()]
    lines += [f"  {finding.kind}: {finding.what}: {finding.where}" for finding in findings[:most]]
    return "\n".join(lines)
