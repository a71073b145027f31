"""Describes how the services scale, in tables. Pure: from a part's result to Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any, Final

from bench.tables import seconds_of, table

Result = Mapping[str, Any]
_MOVES: Final[Mapping[str, str]] = {
    "joins": "replicas join",
    "stopped": "a replica stops",
    "killed": "a replica is killed",
}
_STORES: Final = ("Kafka", "MongoDB")
MIB: Final = 2**20


def of_replicas(result: Result) -> str:
    """Work, cost and waits with each number of replicas; the moves; a backlog worked off."""
    counts = sorted({row["replicas"] for row in result["steady"]})
    services = list(result["steady"][0]["events"])
    parts = [
        table(
            ["replicas of each", *services, "processor ms a referral", "of it Kafka, MongoDB"],
            [_steady(result, count, services) for count in counts],
        ),
        _explained(result),
        table(
            ["", *services],
            [
                *(_usual(result, count, services) for count in counts),
                *(_moved(result, move, services) for move in _MOVES),
            ],
        ),
        "The longest wait of an event for its commit, of a referral for its meeting, or of a practice for "
        "its answer, median of the rounds (and the longest): in the whole steady time with so many "
        "replicas, and within 8 s of a move of all four services at once.",
    ]
    if result["worked_off"]:
        rows = [_worked_off(result["worked_off"], service, counts) for service in services]
        heads = ["records a second", *(f"{count}" for count in counts)]
        ratios = [f"{count} / 1" for count in counts[1:]]
        parts += [table([*heads, *ratios, "processor ms a record, 1 to most"], rows)]
        parts += [
            "A backlog worked off by one service after another, median of the rounds, from when all of its "
            "replicas have partitions. Ratios within a round. Two cores, which MongoDB and Kafka share, "
            "bound them."
        ]
    return "\n\n".join(parts)


def _steady(result: Result, count: int, services: Sequence[str]) -> list[str]:
    rows = [row for row in result["steady"] if row["replicas"] == count]
    shares = [_share([row["events"][service] for row in rows]) for service in services]
    referrals = sum(row["referrals"] for row in rows)
    spent: dict[str, float] = {}
    for row in rows:
        for name, seconds in row["cpu"].items():
            spent[name] = spent.get(name, 0.0) + 1000 * seconds / max(referrals, 1)
    stores = [f"{spent[name]:.0f}" for name in _STORES]
    ours = sum(spent[name] for name in (*services, *_STORES))
    return [str(count), *shares, f"{ours:.0f}", ", ".join(stores)]


def _share(rounds: Sequence[Sequence[float]]) -> str:
    """Percent of the records of each replica, over all rounds."""
    each = [sum(events) for events in zip(*rounds, strict=True)]
    whole = sum(each) or 1
    return "/".join(f"{100 * events / whole:.0f}" for events in each)


def _explained(result: Result) -> str:
    found = result["findings"]
    counted = ", ".join(f"{kind} {times}" for kind, times in found.items()) or "lost 0, doubled 0, wrong 0"
    return (
        f"Percent of the records that each replica handled. {result['localities']} localities, "
        f"{result['partitions']} partitions a topic, {result['referred']} referrals a second; "
        f"{result['referrals']:,} referrals, {result['records']:,} records: **{counted}**."
    )


def _usual(result: Result, count: int, services: Sequence[str]) -> list[str]:
    found = [_waits(result, service, "steady", count) for service in services]
    return [f"{count} of each, no move", *map(_longest, found)]


def _moved(result: Result, move: str, services: Sequence[str]) -> list[str]:
    return [_MOVES[move], *(_longest(_waits(result, service, move)) for service in services)]


def _waits(result: Result, service: str, move: str, count: int | None = None) -> list[float]:
    return [
        row["longest"]
        for row in result["waits"]
        if (row["service"], row["move"]) == (service, move) and row["replicas"] == count
    ]


def _longest(waits: Sequence[float]) -> str:
    return f"{seconds_of(median(waits))} ({seconds_of(max(waits))})" if waits else "–"


def _worked_off(rows: Sequence[Result], service: str, counts: Sequence[int]) -> list[str]:
    rates = {(row["round"], row["replicas"]): row["rate"] for row in rows if row["service"] == service}
    rounds = sorted({number for number, _ in rates})
    medians = [f"{median(rates[number, count] for number in rounds):,.0f}" for count in counts]
    ratios = [
        f"{median(rates[number, count] / max(rates[number, counts[0]], 1.0) for number in rounds):.2f}"
        for count in counts[1:]
    ]
    costs = [_cost(rows, service, count) for count in (counts[0], counts[-1])]
    return [service, *medians, *ratios, f"{costs[0]:.2f} to {costs[1]:.2f}"]


def _cost(rows: Sequence[Result], service: str, count: int) -> float:
    mine = [row for row in rows if (row["service"], row["replicas"]) == (service, count)]
    return median([1000 * float(sum(row["cpu"].values())) / max(1, int(row["events"])) for row in mine])


def of_localities(result: Result) -> str:
    """Start, idle cost and a rebalance with each number of localities."""
    measured = result["localities"]
    heads = ["", *(f"{one['count']} localities" for one in measured)]
    rows = [
        ["topics", *(f"{one['topics']:,}" for one in measured)],
        ["groups", *(f"{one['groups']:,}" for one in measured)],
        ["topics made, s", *(seconds_of(one["topics_seconds"]) for one in measured)],
        ["rights given, s", *(seconds_of(one["rights_seconds"]) for one in measured)],
        ["every process ready, s", *(seconds_of(one["ready_seconds"]) for one in measured)],
        ["every stream runs, s", *(seconds_of(one["streams_seconds"]) for one in measured)],
        ["start: processor s of the four", *(f"{sum(one['start_cpu'].values()):.0f}" for one in measured)],
        ["idle: cores, four services", *(f"{_of_services(one['cpu']):.2f}" for one in measured)],
        *([f"idle: cores, {name}", *(f"{one['cpu'][name]:.2f}" for one in measured)] for name in _STORES),
        ["MongoDB: commands a second", *(f"{_commands(one):,.0f}" for one in measured)],
        [
            "MongoDB: documents written a second",
            *(f"{one['operations']['documents updated']:,.0f}" for one in measured),
        ],
        ["connections to Kafka, a service", *(_range(_connections(one, "Kafka")) for one in measured)],
        ["connections to MongoDB, a service", *(_range(_connections(one, "MongoDB")) for one in measured)],
        ["memory, a service, MiB", *(_range(_memories(one)) for one in measured)],
        *(
            [f"memory, {name}, MiB", *(f"{one['memory'][name] / MIB:,.0f}" for one in measured)]
            for name in _STORES
        ),
        ["a second replica has its share, s", *(seconds_of(one["join_seconds"]) for one in measured)],
        ["a stopped one is replaced, s", *(seconds_of(one["stop_seconds"]) for one in measured)],
        ["a killed one is replaced, s", *(seconds_of(one["kill_seconds"]) for one in measured)],
        ["larger share of two", *(f"{100 * one['larger_share']:.0f}%" for one in measured)],
    ]
    failed = f"\n\nNot measured: {'; '.join(result['failed'])}." if result["failed"] else ""
    return (
        f"{table(heads, rows)}\n\nOne replica of each service, {result['partitions']} partitions a topic, "
        f"one partner a locality, no work, {result['seconds']:g} s. The second replica is one of matching."
        f"{failed}"
    )


def _of_services(cpu: Mapping[str, float]) -> float:
    return sum(share for name, share in cpu.items() if name in _SERVICES)


_SERVICES: Final = ("referral", "matching", "notifications", "evaluation")


def _commands(one: Result) -> float:
    kinds = ("insert", "query", "update", "delete", "command")
    return sum(float(one["operations"][name]) for name in kinds)


def _connections(one: Result, store: str) -> list[int]:
    return [found[store] for found in one["connections"].values()]


def _memories(one: Result) -> list[int]:
    return [round(one["memory"][name] / MIB) for name in _SERVICES]


def _range(values: Iterable[int]) -> str:
    ordered = sorted(values)
    return f"{ordered[0]:,}" if ordered[0] == ordered[-1] else f"{ordered[0]:,}–{ordered[-1]:,}"
