"""The alerts watch what there is, and each says where to read what to do."""

import re
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import REGISTRY

import shared.platform.metrics  # noqa: F401  # registers what is looked up below
from services.notifications.messages.policy import SEND
from shared.contract.labels import NOT_SENT
from tests.harness.deploy.compose import SERVICES

ROOT = Path(__file__).parents[3]
PROMETHEUS = ROOT / "deploy/prometheus"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}


def test_every_rule_watches_metrics_that_exist() -> None:
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    for rule in RULES:
        for name in re.findall(r"linkwork[_:][\w:]+", rule["expr"]):
            assert name in recorded or name in REGISTRY._names_to_collectors, f"nobody has {name}"


def test_every_alert_has_its_page_and_its_test() -> None:
    pages = (ROOT / "docs/runbooks.md").read_text()
    anchors = {heading.lower().replace(" ", "-") for heading in re.findall(r"^## (.+)$", pages, re.MULTILINE)}
    tested = "".join(file.read_text() for file in PROMETHEUS.glob("*_test.yml"))
    for name, rule in ALERTS.items():
        file, anchor = rule["annotations"]["runbook"].split("#")
        assert file == "docs/runbooks.md"
        assert anchor in anchors
        _, *cases = tested.split(f"alertname: {name}\n")
        assert any(case.lstrip().startswith("exp_alerts: []") for case in cases), f"{name}: when it is silent"
        assert any(not case.lstrip().startswith("exp_alerts: []") for case in cases), f"{name}: when it fires"
    pointed_at = {rule["annotations"]["runbook"].split("#")[1] for rule in ALERTS.values()}
    assert anchors == pointed_at, "a page for no alert"


def test_every_service_is_missed_when_it_is_away() -> None:
    assert set(re.findall(r'app="(\w+)"', ALERTS["LinkworkServiceAway"]["expr"])) == set(SERVICES)


def test_the_names_within_the_rules_are_those_of_the_code() -> None:
    text = (PROMETHEUS / "rules.yml").read_text()
    for reasons in re.findall(r'reason!~"([\w|]+)"', text):
        assert set(reasons.split("|")) <= NOT_SENT.keys()
    assert set(re.findall(r'what="(\w+)"', text)) == {SEND}
