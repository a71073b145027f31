"""Reads the people whom a service is for: their sex, age and language."""

from __future__ import annotations

import re

from services.matching.directory.feed.defects import Report
from services.matching.directory.feed.model import Audience
from services.matching.directory.feed.records import Record, records_in
from services.matching.directory.feed.text import plain_text
from services.matching.directory.feed.times import is_blank
from shared.platform.languages import language_code

MAX_TEXT_LENGTH = 5_000
MAX_AGE = 130
MAX_AGE_DIGITS = 9
WOMEN = r"(?:wom[ae]n|females?|ladies|girls?|mums?|mothers|mother and (?:baby|toddler))"
MEN = r"(?:m[ae]n|males?|gentlemen|gents|lads|blokes|boys?|dads?|fathers)"
_OWN = r"(?:['\u2019]s|s['\u2019]|['\u2019])?"
# Names of venues and phrases with "man" or "men" that exclude no person.
_NO_MARK = re.compile(
    r"\bworking m[ae]n['\u2019]?s['\u2019]?\b|\b(?:isle of|the right|old) man\b", re.IGNORECASE
)
_GROUP = (
    r"(?:group|club|session|class|choir|shed|circle|centre|space|project|service|support|institute|network|"
    r"forum|hour|swim|refuge|breakfast|walk|team|football|aid)s?"
)


def _named(people: str) -> re.Pattern[str]:
    return re.compile(rf"\b{people}{_OWN}(?!\w)", re.IGNORECASE)


def _described(people: str) -> re.Pattern[str]:
    """Phrases that limit a service to `people`. A mention of them alone does not."""
    return re.compile(
        rf"\b{people}{_OWN}[- ]only\b|"
        rf"\b(?:only|just|exclusively|group|club|space|support|help|refuge)\s+for\s+(?:\w+\s+){{0,3}}{people}{_OWN}(?!\w)|\bfor\s+(?:(?:all|the|young|older|local|lonely|isolated|new|"
        rf"vulnerable|asian|black|muslim|single|any|other|disabled)\s+){{0,3}}{people}{_OWN}(?!\w)|"
        rf"\b{people}{_OWN}\s+{_GROUP}\b",
        re.IGNORECASE,
    )


def _welcome(people: str) -> re.Pattern[str]:
    return re.compile(
        rf"\b{people}\b[^.!?]{{0,30}}\b(?:welcome|too|as well)\b|\bwelcomes?\b[^.!?]{{0,30}}\b{people}\b",
        re.IGNORECASE,
    )


IN_NAME = {Audience.WOMEN: _named(WOMEN), Audience.MEN: _named(MEN)}
IN_TEXT = {Audience.WOMEN: _described(WOMEN), Audience.MEN: _described(MEN)}
WELCOME = {Audience.WOMEN: _welcome(MEN), Audience.MEN: _welcome(WOMEN)}
BOTH = re.compile(
    rf"\b{WOMEN}{_OWN}\s*(?:(?:,|and|or|&|/|\+)\s*)+(?:\w+\s+){{0,2}}{MEN}(?!\w)|"
    rf"\b{MEN}{_OWN}\s*(?:(?:,|and|or|&|/|\+)\s*)+(?:\w+\s+){{0,2}}{WOMEN}(?!\w)|"
    r"\b(?:all|any|both) (?:genders?|sexes)\b|\bregardless of (?:gender|sex)\b|"
    r"\bmixed (?:group|sex|gender)\b",
    re.IGNORECASE,
)


def read_audience(record: Record, name: str, description: str) -> Audience | None:
    """Men or women, if the listing names one of them; None if it is for all people or does not say.

    `name` and `description` are plain texts. A listing that welcomes both is for all people.
    """
    said = " ".join((description, *_eligibility(record)))
    words = f"{name}. {said}"
    if BOTH.search(words):
        return None
    title, text = _NO_MARK.sub("", name), _NO_MARK.sub("", said)
    marked = [one for one in Audience if IN_NAME[one].search(title) or IN_TEXT[one].search(text)]
    marked += [one for one in Audience if one not in marked and _has_term(record, one)]
    if len(marked) != 1 or WELCOME[marked[0]].search(words):
        return None
    return marked[0]


def read_ages(record: Record, record_id: str, report: Report) -> tuple[int | None, int | None]:
    """The minimum and maximum age; None for each that the feed does not limit."""
    minimum, maximum = (_age(record, key, record_id, report) for key in ("minimum_age", "maximum_age"))
    if maximum == 0:
        # Databases write 0 for "no limit". No service here is for babies without a parent.
        report.add(record_id, "maximum_age", "age_unusable")
        maximum = None
    if minimum is not None and maximum is not None and minimum > maximum:
        report.add(record_id, "maximum_age", "age_unusable")
        return None, None
    return minimum, maximum


def read_languages(record: Record, record_id: str, report: Report) -> tuple[str, ...]:
    """The ISO 639 code of each language once, in the order of the feed."""
    found = []
    for language in records_in(record, "languages"):
        written = (language.get(key) for key in ("code", "language", "name"))
        code = next(filter(None, (language_code(text) for text in written if isinstance(text, str))), None)
        if code is None:
            report.add(record_id, "languages", "language_unknown")
        else:
            found.append(code)
    return tuple(dict.fromkeys(found))


def _eligibility(record: Record) -> list[str]:
    fields = (record.get(key) for key in ("eligibility", "eligibility_description"))
    return [plain_text(text, MAX_TEXT_LENGTH).text for text in fields if isinstance(text, str)]


def _has_term(record: Record, audience: Audience) -> bool:
    terms = (attribute.get("taxonomy_term") for attribute in records_in(record, "attributes"))
    names = (term.get("name") for term in terms if isinstance(term, dict))
    return any(isinstance(text, str) and IN_NAME[audience].fullmatch(_bare(text)) for text in names)


def _bare(term: str) -> str:
    return re.sub(r"\s*only\s*$", "", term[:100].strip(), flags=re.IGNORECASE)


def _age(record: Record, key: str, record_id: str, report: Report) -> int | None:
    value = record.get(key)
    if is_blank(value):
        return None
    if isinstance(value, str) and value.strip().isdecimal() and len(value.strip()) <= MAX_AGE_DIGITS:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_AGE:
        report.add(record_id, key, "age_unusable")
        return None
    return int(value)
