"""The alerts watch what there is, and each says where to read what to do."""

import re
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import REGISTRY

import shared.metrics  # noqa: F401  # registers what is looked up below

ROOT = Path(__file__).parents[2]
RULES: list[dict[str, Any]] = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())["groups"][0][
    "rules"
]


def test_every_alert_watches_metrics_that_exist() -> None:
    for rule in RULES:
        for name in re.findall(r"linkwork_\w+", rule["expr"]):
            assert name in REGISTRY._names_to_collectors, f"{rule['alert']} watches {name}, which nobody has"


def test_every_alert_has_its_page_and_its_test() -> None:
    pages = (ROOT / "docs/runbooks.md").read_text()
    anchors = {heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", pages, re.MULTILINE)}
    tested = (ROOT / "deploy/prometheus/rules_test.yml").read_text()
    for rule in RULES:
        file, anchor = rule["annotations"]["runbook"].split("#")
        assert file == "docs/runbooks.md"
        assert anchor in anchors
        assert tested.count(f"alertname: {rule['alert']}") >= 2, f"{rule['alert']} is not tested both ways"
