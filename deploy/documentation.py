"""Writes docs/settings.md, docs/metrics.md and docs/contract/rules.md from the code.

With --check, reports files that are not current.
"""

import sys
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from services.evaluation.settings import EvaluationSettings
from services.matching.settings import MatchingSettings
from services.notifications.settings import NotificationsSettings
from services.referral.settings import ReferralSettings
from shared.contract.events.rules_page import rules_page
from shared.platform import metrics
from shared.platform.web.settings_page import settings_page

DOCS = Path(__file__).parents[1] / "docs"
_HEAD = """# Metrics

Each service serves these at `/metrics` on its own port. `make docs` generates this page from
`shared/platform/metrics.py`. `locality` is bounded by the localities file; no label is an id.

| metric | kind | labels | means |
|---|---|---|---|
"""


def metrics_page() -> str:
    """One row a metric, in the order of the code."""
    rows = []
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            described = next(iter(metric.describe()))
            suffix = "_total" if described.type == "counter" else ""
            labels = ", ".join(f"`{label}`" for label in metric._labelnames)  # noqa: SLF001 - not public
            rows.append(
                f"| `{described.name}{suffix}` | {described.type} | {labels} | {described.documentation} |"
            )
    return _HEAD + "\n".join(rows) + "\n"


def pages() -> dict[str, str]:
    """File name -> text, as generated."""
    services = (ReferralSettings, MatchingSettings, NotificationsSettings, EvaluationSettings)
    return {
        "settings.md": settings_page(services),
        "metrics.md": metrics_page(),
        "contract/rules.md": rules_page(),
    }


def main(arguments: list[str]) -> int:
    """Runs the command. Returns the exit code: 1 if --check finds a file that is not current."""
    made = pages()
    if "--check" in arguments:
        stale = [name for name, text in made.items() if (DOCS / name).read_text(encoding="utf-8") != text]
        if stale:
            sys.stderr.write(f"Not current: {', '.join(stale)}. Run `make docs`.\n")
        return 1 if stale else 0
    for name, text in made.items():
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
