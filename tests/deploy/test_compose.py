"""The containers' proxy answers the same addresses as the one of a single machine."""

import re
from pathlib import Path
from typing import Any

import yaml

from deploy.local.routes import OTHERS, PRIVATE, ROUTES

ROOT = Path(__file__).parents[2]
CADDYFILE = (ROOT / "deploy/compose/Caddyfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_the_two_proxies_have_the_same_table() -> None:
    table = {
        (path.removesuffix("/*").removesuffix("/"), name)
        for name, paths in re.findall(r"@(\w+) path (.+)", CADDYFILE)
        for path in paths.split()
        if name != "private"
    }
    # The referral service answers whatever is left, so its own addresses need no line there.
    assert table == {(prefix.removesuffix("/"), part) for prefix, part in ROUTES if part != OTHERS}


def test_what_is_for_those_who_run_it_is_not_passed_on() -> None:
    private = re.search(r"@private path (.+)", CADDYFILE)
    assert private is not None
    assert set(private[1].split()) == set(PRIVATE)


def test_services_run_without_rights_and_have_no_port_outside() -> None:
    for name in ("referral", "matching", "notifications", "evaluation"):
        service = COMPOSE["services"][name]
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert "ports" not in service, f"{name} could not be scaled"
        assert "container_name" not in service
    for name in ("Dockerfile", "Dockerfile.development"):
        assert "\nUSER linkwork\n" in (ROOT / "deploy/compose" / name).read_text()
