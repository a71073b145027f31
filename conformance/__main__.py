"""`linkwork-conformance PART`: tries a part against the contract and reports."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from conformance import report
from conformance.clause import clauses_of
from conformance.contract import PARTS
from conformance.kit import running
from conformance.runner import Result, run
from conformance.settings import Kafka, Settings

_PASSED: Final = 0
_FAILED: Final = 1
_CANNOT: Final = 2
_EPILOG: Final = """exit status: 0 every tried clause passed; 1 a clause failed; 2 the kit could not run.
The password is read from CONFORMANCE_KAFKA_PASSWORD. A part that --start starts finds in its environment
LINKWORK_URL, OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, KAFKA_BOOTSTRAP, KAFKA_USER, KAFKA_PASSWORD,
LOCALITY, LOCALITIES, PARTNER and PRACTICE."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Parses arguments, tries the part, prints the table, and exits."""
    given = _parser().parse_args(arguments)
    if given.list:
        for each in clauses_of(given.part, given.only or ()):
            print(f"{each.name:<22} {each.limit:4.0f} s  {each.title}")
        sys.exit(_PASSED)
    try:
        results = asyncio.run(_run(settings_of(given), given.only or ()))
    except (OSError, RuntimeError, ValueError) as error:
        print(f"The kit cannot run: {error}", file=sys.stderr)
        sys.exit(_CANNOT)
    sys.exit(finish(settings_of(given), results, json_file=given.json, junit_file=given.junit))


def settings_of(given: argparse.Namespace) -> Settings:
    """The settings that the arguments name."""
    password = os.environ.get("CONFORMANCE_KAFKA_PASSWORD", "")
    return Settings(
        kafka=Kafka(given.bootstrap, given.user, password, tls=given.tls, ca_file=given.ca_file),
        part=given.part,
        locality=given.locality,
        practice=given.practice,
        other_locality=given.other_locality,
        other_practice=given.other_practice,
        source=given.source,
        inbox=given.inbox,
        api=given.api.rstrip("/"),
        hands=given.hands,
        start=given.start,
        wipe=given.wipe,
        ready=given.ready,
        listen=given.listen,
        settle=given.settle,
        patience=given.patience,
        seed=given.seed,
        at_once=given.at_once,
    )


def finish(
    settings: Settings, results: Sequence[Result], *, json_file: str = "", junit_file: str = ""
) -> int:
    """Prints and writes the report. Gives the exit status."""
    print(report.table(settings, results))
    if json_file:
        Path(json_file).write_text(report.as_json(settings, results), encoding="utf-8")
    if junit_file:
        Path(junit_file).write_text(report.as_junit(settings, results), encoding="utf-8")
    if not results or any(each.outcome == "error" for each in results):
        return _CANNOT
    return _PASSED if report.passed(results) else _FAILED


async def _run(settings: Settings, only: Sequence[str]) -> list[Result]:
    clauses = clauses_of(settings.part, only)
    if not clauses:
        raise ValueError(f"no clause of {settings.part} is named so; --list shows them")
    async with running(settings) as kit:
        if settings.start:
            print(f"The part's log: {kit.log}", file=sys.stderr)
        return await run(
            kit, clauses, lambda each: print(f"{each.clause.name} {each.outcome}", file=sys.stderr)
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="linkwork-conformance",
        description="Tries a part of Linkwork against the contract. The kit plays the other parts.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("part", choices=PARTS)
    add("--bootstrap", default="127.0.0.1:9092", help="address of Kafka")
    add("--user", default="", help="SCRAM-SHA-512 user that may write the locality's topics")
    add("--tls", action="store_true", help="SASL_SSL in place of SASL_PLAINTEXT")
    add("--ca-file", default="", help="certificate of the broker's authority")
    add("--locality", default="sandbox")
    add("--practice", default="Z00001", help="ODS code of a practice of the locality")
    add("--other-locality", default="", help="a second locality that the part serves")
    add("--other-practice", default="Z00001")
    add("--source", default="", help="source of the part's events; default /<locality>/<part>")
    add("--inbox", action="store_true", help="the part writes in.<locality>.<name>; the kit admits")
    add("--api", default="", help="base address of the part's operations")
    add("--hands", default="", help="address of an adapter that does what people do at the part")
    add("--start", default="", help="command that starts the part; the kit kills and restarts it")
    add("--wipe", default="", help="command that deletes what the stopped part keeps")
    add("--ready", default="", help="address that answers, but for 5xx, once the part is ready")
    add("--listen", type=int, default=0, help="port of the kit's own look-ups")
    add("--only", action="append", help="a clause or number, such as BOOK-3; may be repeated")
    add("--seed", type=int, default=1)
    add("--settle", type=float, default=3.0, help="seconds after which silence is believed")
    add("--patience", type=float, default=1.0, help="factor of all limits, for slow machines")
    add("--at-once", type=int, default=12, help="clauses tried side by side")
    add("--json", default="", help="file for the report in JSON")
    add("--junit", default="", help="file for the report in JUnit XML")
    add("--list", action="store_true", help="list the clauses")
    return parser


if __name__ == "__main__":
    main()
