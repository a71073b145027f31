"""The report of a run: a table and reasons for people, JSON and JUnit for machines."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as Xml

from conformance.clause import NOTHING, clauses_of
from conformance.contract import version
from conformance.runner import Result, repeat
from conformance.settings import Settings

_MARKS = {"passed": "passed", "failed": "FAILED", "not tried": "not tried", "error": "KIT ERROR"}
_NOT_THE_PART = "  This is a fault of the kit, not of the part: tell Linkwork."
_SHOWN = 12


def passed(results: Sequence[Result]) -> bool:
    """True if some clause was tried, and none failed. One that could not be tried is no failure."""
    tried = [each for each in results if each.outcome != "not tried"]
    return bool(tried) and all(each.outcome == "passed" for each in tried)


def table(settings: Settings, results: Sequence[Result]) -> str:
    """The clauses in lines, then each that failed with all that is known of it."""
    width = max((len(each.clause.name) for each in results), default=6)
    lines = [
        f"{settings.part} in {settings.locality}, contract {version()}, as {settings.speaks_as}",
        "",
        *(_row(each, width) for each in results),
    ]
    for each in results:
        if each.outcome != "passed":
            lines += ["", *_told(settings, each)]
    silent = [each.clause.name for each in results if each.outcome == "failed" and each.came == NOTHING]
    if silent:
        lines += ["", f"The part said nothing at all in {', '.join(silent)}: look at its log at these times."]
    counts = [f"{sum(r.outcome == name for r in results)} {name}" for name in _MARKS]
    return "\n".join([*lines, "", f"{len(results)} clauses: {', '.join(counts)}"])


def _row(result: Result, width: int) -> str:
    clause = result.clause
    return f"{clause.name:<{width}}  {_MARKS[result.outcome]:<9}  {result.seconds:6.1f} s  {clause.title}"


def _told(settings: Settings, result: Result) -> list[str]:
    clause = result.clause
    if result.outcome == "not tried":
        return [f"{clause.name} not tried: {result.came}"]
    return [
        f"{clause.name} {_MARKS[result.outcome]}: {clause.title}",
        *([_NOT_THE_PART] if result.outcome == "error" else []),
        f'  the contract: "{clause.text}"',
        f"  tried:        {clause.how}",
        f"  when:         {_when(result)}",
        *_lines("sent", result.sent),
        *_lines("came", result.evidence),
        f"  expected:     {result.expected}",
        f"  in its place: {result.came}",
        f"  repeat:       {repeat(settings, clause)}",
    ]


def _when(result: Result) -> str:
    began = result.at.strftime("%H:%M:%S UTC, ") if result.at else ""
    return f"{began}for {result.seconds} s"


def _lines(name: str, lines: Sequence[str]) -> list[str]:
    """The first lines under a name. The report in JSON has all."""
    shown = [f"  {name + ':':<13} {line}" for line in lines[:_SHOWN]]
    more = len(lines) - _SHOWN
    return [*shown, f"  {name + ':':<13} and {more} more (--json has them)"] if more > 0 else shown


def document(settings: Settings, results: Sequence[Result]) -> dict[str, Any]:
    """The report for machines. `linkwork hand-over run --report` reads `contract`, `part`, `passed`."""
    return {
        "format": 1,
        "contract": version(),
        "part": settings.part,
        "locality": settings.locality,
        "source": settings.speaks_as,
        "owner": settings.name,
        "seed": settings.seed,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "passed": passed(results),
        "not_tried": _not_tried(settings.part, results),
        "clauses": [_entry(settings, each) for each in results],
    }


def _not_tried(part: str, results: Sequence[Result]) -> list[str]:
    """The clauses of the part that this run tells nothing of, also those that nobody asked for."""
    tried = {each.clause.name for each in results if each.outcome != "not tried"}
    return [each.name for each in clauses_of(part) if each.name not in tried]


def _entry(settings: Settings, result: Result) -> dict[str, Any]:
    return {
        "clause": result.clause.name,
        "number": result.clause.number,
        "title": result.clause.title,
        "text": result.clause.text,
        "tried": result.clause.how,
        "limit_seconds": result.clause.limit,
        "outcome": result.outcome,
        "at": result.at.isoformat(timespec="seconds") if result.at else None,
        "seconds": result.seconds,
        "sent": list(result.sent),
        "came": list(result.evidence),
        "expected": result.expected,
        "in_its_place": result.came,
        "repeat": repeat(settings, result.clause),
    }


def as_json(settings: Settings, results: Sequence[Result]) -> str:
    """The report as JSON."""
    return json.dumps(document(settings, results), indent=1, ensure_ascii=False) + "\n"


def as_junit(settings: Settings, results: Sequence[Result]) -> str:
    """The report as JUnit XML."""
    suite = Xml.Element(
        "testsuite",
        name=f"linkwork-conformance {settings.part}",
        tests=str(len(results)),
        failures=str(sum(each.outcome == "failed" for each in results)),
        errors=str(sum(each.outcome == "error" for each in results)),
        skipped=str(sum(each.outcome == "not tried" for each in results)),
    )
    for each in results:
        case = Xml.SubElement(
            suite, "testcase", classname=settings.part, name=each.clause.name, time=str(each.seconds)
        )
        if each.outcome == "not tried":
            Xml.SubElement(case, "skipped", message=each.came)
        elif each.outcome != "passed":
            tag = "failure" if each.outcome == "failed" else "error"
            Xml.SubElement(case, tag, message=each.expected or each.came).text = "\n".join(
                _told(settings, each)
            )
    return Xml.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
