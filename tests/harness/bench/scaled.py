"""Results of the scaling measurements, as their parts make them."""

from typing import Any

SERVICES = ("referral", "matching", "notifications", "evaluation")


def _waits(move: str, longest: float, replicas: int | None = None) -> list[dict[str, Any]]:
    return [
        {"move": move, "service": service, "longest": longest + number / 10, "replicas": replicas}
        for number, service in enumerate(SERVICES)
    ]


def _steady(replicas: int, cpu: float) -> dict[str, Any]:
    spent = {**dict.fromkeys(SERVICES, cpu), "Kafka": 0.5, "MongoDB": 1.0, "front": 9.0}
    return {
        "replicas": replicas,
        "seconds": 15.0,
        "referrals": 100,
        "events": {service: [600.0 / replicas] * replicas for service in SERVICES},
        "cpu": spent,
    }


def _worked_off(service: str, replicas: int, number: int, rate: float) -> dict[str, Any]:
    cpu = {"replicas": 1.0, "Kafka": 0.5, "MongoDB": 0.5 * replicas}
    return {
        "service": service,
        "replicas": replicas,
        "round": number,
        "events": 1000,
        "seconds": 1000 / rate,
        "rate": rate,
        "joined_seconds": 3.0,
        "cpu": cpu,
    }


REPLICAS: dict[str, Any] = {
    "localities": 4,
    "partitions": 6,
    "referred": 12,
    "referrals": 2_000,
    "records": 14_000,
    "findings": {},
    "steady": [_steady(1, 1.0), _steady(2, 1.25)],
    "usual": [],
    "waits": [
        *_waits("steady", 0.5, 1),
        *_waits("steady", 0.6, 2),
        *_waits("joins", 1.0),
        *_waits("joins", 3.0),
        *_waits("killed", 4.0),
    ],
    "worked_off": [
        _worked_off(service, replicas, number, rate)
        for service in SERVICES
        for replicas, number, rate in ((1, 0, 1000), (2, 0, 1500), (1, 1, 2000), (2, 1, 2000))
    ],
}


def _of(count: int) -> dict[str, Any]:
    stores = {"Kafka": 100 * 2**20, "MongoDB": 200 * 2**20}
    return {
        "count": count,
        "topics": 5 * count,
        "groups": 4 * count + 1,
        "topics_seconds": 1.0,
        "rights_seconds": 0.25,
        "ready_seconds": 5.0,
        "streams_seconds": 100.0 + count,
        "start_cpu": dict.fromkeys(SERVICES, 2.5),
        "cpu": {**dict.fromkeys(SERVICES, count / 1000), "Kafka": 0.1, "MongoDB": 0.2, "front": 1.0},
        "operations": {
            **dict.fromkeys(("insert", "query", "update", "delete", "getmore", "command"), 10.0),
            "documents updated": 1234.0,
        },
        "memory": {**dict.fromkeys(SERVICES, 120 * 2**20), **stores},
        "connections": {
            service: {"Kafka": 2 * count + number, "MongoDB": 7} for number, service in enumerate(SERVICES)
        },
        "join_seconds": 2.0,
        "stop_seconds": 1.0,
        "kill_seconds": 4.5,
        "larger_share": 0.521,
    }


LOCALITIES: dict[str, Any] = {
    "localities": [_of(8), _of(200)],
    "failed": [],
    "seconds": 15.0,
    "partitions": 3,
}
