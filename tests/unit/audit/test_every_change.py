"""Every transaction of a service names the person who changes something, or stands here with its reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3] / "services"
AUTOMATIC = {
    "matching/booking/sweeper.py": "decides again what is due",
    "matching/booking/use_cases.py": "books what a partner booked for a link worker who was entered",
    "referral/sandbox/erasing.py": "a sandbox forgets",
    "referral/identity/erasure.py": "obeys another owner's erasure, or finishes after a restore",
    "referral/identity/vault/reindexing.py": "an operator rotates keys, in the log of operations",
    "evaluation/reports/queries.py": "only reads",
    "matching/booking/queries.py": "only reads",
    "matching/booking/search.py": "only reads",
    "matching/roster/proposals.py": "only reads",
    "matching/booking/agenda_queries.py": "only reads",
    "matching/casework/team/queries.py": "only reads",
    "matching/programme/desk/checking.py": "only reads",
}
# The transaction writes the entry itself, if anything changed.
WRITES_ITSELF = {
    "matching/provider/mailboxes.py",
    "notifications/webhooks/use_cases.py",
    "referral/identity/lookup.py",
}
# Rows that no person changes: what was sent, and when.
WITHOUT = {
    "matching/roster/use_cases.py": 2,
    "notifications/webhooks/repository.py": 1,
}


def calls() -> Iterator[tuple[str, bool]]:
    """The file of each transaction, and whether it names a change or an actor."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            of = ast.unparse(node.func.value)
            is_command = node.func.attr == "command" and of.endswith("kernel")
            if is_command or (node.func.attr == "transact" and of.endswith(("kernel", "mongo"))):
                named = {keyword.arg for keyword in node.keywords}
                yield str(path.relative_to(ROOT)), bool(named & {"change", "actor"})


def test_every_transaction_is_audited_or_automatic() -> None:
    unnamed: dict[str, int] = {}
    for path, named in calls():
        if not named and path not in AUTOMATIC and path not in WRITES_ITSELF:
            unnamed[path] = unnamed.get(path, 0) + 1
    assert unnamed == WITHOUT


def test_transactions_that_write_their_entry_do() -> None:
    for path in WRITES_ITSELF:
        text = (ROOT / path).read_text()
        assert ".audit.write(tx" in text or "._trail.write(tx" in text, path


def test_exceptions_are_still_there() -> None:
    known = {path for path, _ in calls()}
    assert set(AUTOMATIC) | WRITES_ITSELF | set(WITHOUT) <= known
