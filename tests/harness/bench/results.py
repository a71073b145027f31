"""Results as the parts of the measurement make them."""

from typing import Any

from bench.statistics import summary


def ran(contender: str, number: int, rate: float, published: bool = True) -> dict[str, Any]:
    return {
        "contender": contender,
        "round": number,
        "events": 1000,
        "seconds": 1000 / rate,
        "rate": rate,
        "cpu": {"programs": 1.0, "Kafka": 0.25, "MongoDB": 0.5, "observer": 0.1},
        "published": {"messages": 970, "ids": 970, "referrals": 970} if published else None,
        "own_heard": None,
    }


KERNEL: dict[str, Any] = {
    "labels": {
        "kernel-1": "one process",
        "kernel-2": "two processes",
        "streams-2": "Streams <2>",
        "decode-plain": "decode",
    },
    "runs": [
        ran("kernel-1", 0, 10_000),
        ran("kernel-2", 0, 20_000),
        ran("decode-plain", 0, 90_000, published=False),
        ran("kernel-2", 1, 18_000),
        ran("streams-2", 0, 10_000),
        ran("streams-2", 1, 20_000),
    ],
    "absent": {},
    "failed": [],
    "events": 1000,
    "rounds": 2,
}
WITHOUT_JAVA: dict[str, Any] = KERNEL | {
    "runs": [run for run in KERNEL["runs"] if run["contender"] != "streams-2"],
    "absent": {"streams-2": "there is no java on this machine"},
    "failed": ["two processes, round 2: no end in sight"],
}
LATENCY: dict[str, Any] = {
    "rates": [
        {"rate": 50, "cpu_ms": {"Kafka": 2.0, "MongoDB": 3.0}, "why_not": {}, **summary([0.02] * 1000)},
        {"rate": 100, "cpu_ms": {"Kafka": 2.0}, "why_not": {}, **summary([0.5] * 900, unanswered=100)},
    ],
    "untried": [200],
    "seconds": 20.0,
}
CATCH_UP: dict[str, Any] = {
    "backlog": 360_000,
    "seconds": 40.0,
    "rate": 100,
    "meanwhile": summary([0.2] * 4000),
    "after": summary([0.01] * 500),
}
GROWTH: dict[str, Any] = {
    "events": 1000,
    "new": 970,
    "tenths": [{"rate": 1000.0, "resident": 100 * 2**20}, {"rate": 2000.0, "resident": 104 * 2**20}],
    "stored": {"documents": 970, "size": 1_000_000, "on_disk": 300_000, "indexes": 70_000},
    "rebuilt": {"records": 2000, "seconds": 0.3, "steps": {"folding the log": 0.2}, "pause": 0.05},
}
PAGE: dict[str, Any] = {
    "referrals": 1_000_000,
    "rows": 20_000,
    "api": summary([0.05] * 100),
    "page": summary([0.05] * 100),
    "changed": summary([0.15] * 100),
}
FIND: dict[str, Any] = {
    "people": 1_000_000,
    "practices": 20,
    "stored": {"on_disk": 300_000_000, "indexes": 900_000_000},
    "searches": {"name": summary([0.02] * 400), "slips": summary([0.05] * 390 + [0.2] * 10)},
}
SLOTS: dict[str, Any] = {
    "diaries": 4_000,
    "days": 120_000,
    "earliest": summary([0.006] * 200),
    "fortnight": summary([0.012] * 200),
}
ADMISSION: dict[str, Any] = {
    "rate": 25,
    "flood": 2000,
    "seconds": 20.0,
    "idle": {name: summary([0.01] * 500) for name in ("direct", "hop", "ours", "theirs")},
    "flooded": {
        "direct": summary([0.02] * 500),
        "hop": summary([0.03] * 500),
        "ours": summary([0.05] * 499 + [0.3]),
        "theirs": summary([0.04] * 500),
    },
}
ALL: dict[str, dict[str, Any]] = {
    "kernel": KERNEL,
    "kernel-long": KERNEL,
    "kernel-latency": LATENCY,
    "latency": LATENCY,
    "admission": ADMISSION,
    "catch-up": CATCH_UP,
    "growth": GROWTH,
    "page": PAGE,
    "find": FIND,
    "slots": SLOTS,
}


def measured(part: str) -> dict[str, Any]:
    """A part's result as it is kept."""
    return {
        "part": part,
        "command": f"make bench ONLY={part}",
        "date": "2026-11-22 20:00 UTC",
        "version": "abc1234",
        "machine": "2 cores",
        "load_before": 0.1,
        "took_seconds": 12.0,
        "size": "usual",
        "result": ALL[part],
    }
