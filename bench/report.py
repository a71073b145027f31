"""Describes results in words and tables. Pure: from a part's result to Markdown."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, Final

from bench.ratios import GOALS, Goal, goal_ratios
from bench.scale.report import of_localities, of_replicas
from bench.tables import milliseconds, table

Result = Mapping[str, Any]


def described(part: str, result: Result) -> tuple[str, str]:
    """The title and the text of a part's section."""
    title, text = _PARTS[part]
    return title, text(result)


def verdict(met: bool) -> str:
    """A goal's result in words."""
    return "met" if met else "**not met**"


def _within(value: float | None, limit: float) -> bool:
    return value is not None and value < limit


def _percentile_within(said: Mapping[str, Any], name: str, limit: float) -> str:
    """A percentile's goal in words. Few requests have no percentile unless some were unanswered."""
    too_few = said[name] is None and not said["unanswered"]
    return "too few" if too_few else verdict(_within(said[name], limit))


def _throughput(result: Result) -> str:
    labels, runs = result["labels"], result["runs"]
    goals = [_goal(goal, ratios, result["events"]) for goal in GOALS if (ratios := goal_ratios(goal, runs))]
    compared = table(["ratio", "range", "median", "goal", ""], goals) + "\n\n" if goals else ""
    rows = []
    for key, label in labels.items():
        mine = [run for run in runs if run["contender"] == key]
        if not mine:
            rows.append([label, "", "", "", "", result["absent"].get(key, "not measured")])
            continue
        rates = sorted(run["rate"] for run in mine)
        costs = [_cost(mine, name) for name in ("programs", "Kafka", "MongoDB")]
        parts = "/".join(f"{cost:.1f}" for cost in costs)
        rows.append(
            [
                label,
                f"{mine[0]['events']:,}",
                f"{median(rates):,.0f}",
                f"{100 * (rates[-1] - rates[0]) / median(rates):.0f}%",
                f"{sum(costs):.1f} ({parts})",
                _published(mine[0]),
            ]
        )
    heads = ["program", "records", "records/s", "spread", "processor s", "published"]
    failed = f"\n\nRuns that failed: {'; '.join(result['failed'])}." if result["failed"] else ""
    return f"{compared}{table(heads, rows)}{failed}"


def _goal(goal: Goal, ratios: Sequence[float], events: int) -> list[str]:
    wanted = goal.wanted(events)
    return [
        goal.words,
        f"{min(ratios):.2f}–{max(ratios):.2f}",
        f"**{median(ratios):.2f}**",
        f"at least {wanted:g}",
        verdict(median(ratios) >= wanted),
    ]


def _cost(runs: Sequence[Result], name: str) -> float:
    """Processor seconds for 100,000 records."""
    return median([float(run["cpu"][name]) / int(run["events"]) * 100_000 for run in runs])


def _published(run: Result) -> str:
    published = run["published"]
    if published is None:
        return "–"
    if published["messages"] == published["referrals"]:
        return f"{published['messages']:,}"
    return f"{published['messages']:,} for {published['referrals']:,}"


def _latency(result: Result) -> str:
    rows = [
        [
            str(row["rate"]),
            f"{row['count']:,}",
            *(milliseconds(row[name]) for name in ("p50", "p99", "p99.9", "longest")),
            f"{row['unanswered']:,}",
            _each(row["cpu_ms"]),
        ]
        for row in result["rates"]
    ]
    heads = [
        "a second",
        "measured",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "max ms",
        "unanswered",
        "processor ms each",
    ]
    text = f"{table(heads, rows)}\n\n{result['seconds']:g} s at each rate."
    if result.get("untried"):
        rates = " and ".join(str(rate) for rate in result["untried"])
        text += f" Not tried: {rates} a second, because requests piled up at the last rate."
    at_50 = next((row for row in result["rates"] if row["rate"] == 50), None)
    if at_50 is not None:
        text += f" Goal, p99 under 100 ms at 50 a second: {_percentile_within(at_50, 'p99', 100)}."
    elif 50 in result.get("untried", ()):
        text += " Goal, p99 under 100 ms at 50 a second: **not met**."
    return text


def _each(cost: float | Mapping[str, float]) -> str:
    if isinstance(cost, Mapping):
        largest = sorted(cost.items(), key=lambda item: -item[1])
        return f"{sum(cost.values()):.0f}: " + ", ".join(
            f"{name} {value:.0f}" for name, value in largest if value >= 0.5
        )
    return f"{cost:.1f}"


_SORTS: Final[Mapping[str, str]] = {
    "direct": "our fact, until it can be read",
    "hop": "a partner's fact, until its copy can be read",
    "ours": "our fact, until a service has handled it",
    "theirs": "a partner's fact, until a service has handled it",
}


def _admission(result: Result) -> str:
    rows = []
    for key, name in _SORTS.items():
        idle, flooded = result["idle"][key], result["flooded"][key]
        times = [milliseconds(each[name]) for each in (idle, flooded) for name in ("p50", "p99", "longest")]
        delay = None
        if flooded["longest"] is not None and idle["p50"] is not None and not flooded["unanswered"]:
            delay = max(0.0, flooded["longest"] - idle["p50"])
        rows.append([name, *times, milliseconds(delay), verdict(_within(delay, 200))])
    three = ["p50 ms", "p99 ms", "max ms"]
    heads = ["", *three, f"flood: {three[0]}", *three[1:], "delay ms", "under 200 ms"]
    return (
        f"{table(heads, rows)}\n\n{result['rate']} records a second of each row, "
        f"{result['seconds']:g} s. The flood is {result['flood']:,} records a second of another source, half "
        "of them refused. The delay is the longest wait under the flood beyond the median without it."
    )


def _catch_up(result: Result) -> str:
    seconds, meanwhile, after = result["seconds"], result["meanwhile"], result["after"]
    p99 = meanwhile["p99"]
    rows = [
        [
            f"{result['backlog']:,} records worked off",
            f"{seconds:.1f} s ({result['backlog'] / seconds:,.0f}/s)",
            "under 60 s",
            verdict(seconds < 60),
        ],
        [
            f"p99 of {meanwhile['count']:,} new events of another locality meanwhile",
            f"{milliseconds(p99)} ms (p50 {milliseconds(meanwhile['p50'])} ms)",
            "under 1,000 ms",
            _percentile_within(meanwhile, "p99", 1000),
        ],
        [
            f"p99 of {after['count']:,} new events afterwards",
            f"{milliseconds(after['p99'])} ms (p50 {milliseconds(after['p50'])} ms)",
            "",
            "",
        ],
    ]
    return (
        f"{table(['', 'measured', 'goal', ''], rows)}\n\nTwo processes serve two localities: one comes "
        f"back with the backlog, the other receives {result['rate']} events a second."
    )


def _growth(result: Result) -> str:
    tenths, stored = result["tenths"], result["stored"]
    first, last = tenths[0], tenths[-1]
    more = last["resident"] / first["resident"] - 1
    slower = last["rate"] / tenths[1]["rate"] - 1
    goals = [
        [
            "resident memory, last tenth against the first",
            f"{100 * more:+.1f}%",
            "within 5%",
            verdict(more <= 0.05),
        ],
        [
            "rate, last tenth against the second",
            f"{100 * slower:+.1f}%",
            "within 10%",
            verdict(slower >= -0.10),
        ],
    ]
    rebuilt = result["rebuilt"]
    full = rebuilt["seconds"] / rebuilt["records"] * 1_000_000
    goals.append(
        [
            f"rebuild of {rebuilt['records']:,} records in {rebuilt['seconds']:.1f} s, per 1,000,000",
            f"{full:.0f} s",
            "under 120 s",
            verdict(full < 120),
        ]
    )
    rates = [tenth["rate"] for tenth in tenths]
    memory = [tenth["resident"] / 2**20 for tenth in tenths]
    events = result["events"]
    return (
        f"{table(['', 'measured', 'goal', ''], goals)}\n\n"
        f"{events:,} records in tenths: {min(rates):,.0f} to {max(rates):,.0f} records/s, "
        f"{min(memory):.0f} to {max(memory):.0f} MiB resident. "
        f"A record takes {stored['size'] / events:,.0f} bytes as documents, "
        f"{stored['on_disk'] / events:,.0f} on disk, {stored['indexes'] / events:,.0f} in indexes. "
        f"The rebuild: {_steps(rebuilt)}."
    )


def _steps(rebuilt: Result) -> str:
    steps = [f"{name} {seconds:.1f} s" for name, seconds in rebuilt["steps"].items()]
    return ", ".join([*steps, f"writes paused for {rebuilt['pause'] or 0:.2f} s"])


_PAGES: Final[Mapping[str, str]] = {
    "api": "figures, as JSON",
    "page": "the page, with its charts",
    "changed": "the page, after each new referral",
}


def _page(result: Result) -> str:
    rows = [
        [
            name,
            milliseconds(result[key]["p50"]),
            milliseconds(result[key]["p99"]),
            milliseconds(result[key]["longest"]),
            _percentile_within(result[key], "p50", 100),
        ]
        for key, name in _PAGES.items()
        if key in result  # kept results may be older than a row
    ]
    return (
        f"{table(['', 'p50 ms', 'p99 ms', 'max ms', 'p50 under 100 ms'], rows)}\n\n"
        f"{result['referrals']:,} referrals in {result['rows']:,} rows of sums, {result['api']['count']} "
        "requests in turn, one process, no network."
    )


_SEARCHES: Final[Mapping[str, str]] = {
    "name": "first and last name",
    "slips": "both in reverse order, with a letter missing in each",
    "born": "last name and date of birth",
    "family": "last name alone",
    "number": "NHS number",
    "telephone": "telephone number",
    "postcode": "postcode",
    "nobody": "a name that nobody has",
    "everywhere": "NHS number, at all practices",
}


def _find(result: Result) -> str:
    rows = [
        [
            name,
            milliseconds(each["p50"]),
            milliseconds(each["p99"]),
            milliseconds(each["longest"]),
            _percentile_within(each, "p99", 100),
        ]
        for key, name in _SEARCHES.items()
        if (each := result["searches"].get(key)) is not None
    ]
    stored = {name: size / result["people"] for name, size in result["stored"].items()}
    count = max(each["count"] for each in result["searches"].values())
    return (
        f"{table(['search by', 'p50 ms', 'p99 ms', 'max ms', 'p99 under 100 ms'], rows)}\n\n"
        f"{result['people']:,} people of {result['practices']} practices, {count:,} searches of each kind in "
        f"turn, one process, no network. A person takes {stored['on_disk']:,.0f} bytes of search terms on "
        f"disk and {stored['indexes']:,.0f} of their indexes."
    )


_TIMES: Final[Mapping[str, str]] = {
    "earliest": "the earliest three times of a person",
    "fortnight": "all times of a fortnight, for the page",
}


def _slots(result: Result) -> str:
    rows = [
        [
            name,
            *(milliseconds(result[key][column]) for column in ("p50", "p99", "longest")),
            _percentile_within(result[key], "p99", 10),
        ]
        for key, name in _TIMES.items()
    ]
    return (
        f"{table(['', 'p50 ms', 'p99 ms', 'max ms', 'p99 under 10 ms'], rows)}\n\n"
        f"{result['diaries']:,} diaries with {result['days']:,} days that hold meetings, "
        f"{result['earliest']['count']:,} searches of each kind in turn, one process: read in a transaction, "
        "and searched."
    )


_PARTS: Final[Mapping[str, tuple[str, Callable[[Result], str]]]] = {
    "kernel": ("Throughput", _throughput),
    "kernel-long": ("Throughput over four times as many records", _throughput),
    "kernel-latency": ("From event to meeting, the kernel alone", _latency),
    "latency": ("From POST to meeting, the whole system", _latency),
    "admission": ("Partners' events, and a flood from one source", _admission),
    "catch-up": ("After an hour of downtime", _catch_up),
    "growth": ("Memory, growth and rebuilding", _growth),
    "page": ("Figures over many referrals", _page),
    "replicas": ("1, 2 and 4 replicas of each service", of_replicas),
    "localities": ("Localities of a system at rest", of_localities),
    "find": ("Finding one of many people", _find),
    "slots": ("Search for a meeting time", _slots),
}
