"""The page docs/contract/rules.md: the two schemas, what they cannot say, and which lists are open."""

import json
from pathlib import Path
from typing import Final

from shared.contract.events import json_schema
from shared.contract.events.rules import BODY, HEADERS, RULES
from shared.contract.events.schema import schemas

_TEMPLATE: Final = Path(__file__).with_suffix(".md")


def rules_page() -> str:
    """The page, in Markdown."""
    headers = "\n".join(f"    {name}: {value}" for name, value in HEADERS.items())
    rules = (f"| {rule.number} | {rule.says} | `{rule.code}` | {rule.example.shown} |" for rule in RULES)
    lists = (f"| `{name}` | {how} | {codes} |" for name, how, codes in _lists())
    filled = {
        "{record}": f"{headers}\n    key: {HEADERS['ce_subject']}\n\n    {json.dumps(BODY)}",
        "{rules}": "\n".join(rules),
        "{lists}": "\n".join(lists),
    }
    page = _TEMPLATE.read_text(encoding="utf-8")
    for place, text in filled.items():
        page = page.replace(place, text)
    return page


def _lists() -> list[tuple[str, str, str]]:
    """Name, open or closed, and codes of each list."""
    found: dict[str, tuple[str, str, str]] = {}
    for schema in schemas().values():
        for name, definition in schema.get("$defs", {}).items():
            if "enum" in definition:
                closed = definition["$comment"] == json_schema.CLOSED_LIST
                codes = ", ".join(f"`{code}`" for code in definition["enum"])
                found.setdefault(name, (name, "closed" if closed else "open", codes))
    return [found[name] for name in sorted(found)]
