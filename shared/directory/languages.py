"""The languages in which a service can be had, as ISO 639 codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from shared.directory.defects import Report
from shared.directory.records import Record, records_in

CODE = re.compile(r"[a-z]{2,3}")

# By name, as feeds without codes have them: the languages most spoken in the area, and sign language.
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "arabic": "ar",
        "bengali": "bn",
        "british sign language": "bfi",
        "bsl": "bfi",
        "bulgarian": "bg",
        "cantonese": "yue",
        "czech": "cs",
        "dari": "prs",
        "english": "en",
        "farsi": "fa",
        "french": "fr",
        "gujarati": "gu",
        "hindi": "hi",
        "hungarian": "hu",
        "kurdish": "ku",
        "lithuanian": "lt",
        "mandarin": "cmn",
        "pashto": "ps",
        "persian": "fa",
        "polish": "pl",
        "portuguese": "pt",
        "punjabi": "pa",
        "romanian": "ro",
        "slovak": "sk",
        "somali": "so",
        "spanish": "es",
        "tamil": "ta",
        "tigrinya": "ti",
        "turkish": "tr",
        "ukrainian": "uk",
        "urdu": "ur",
        "welsh": "cy",
    }
)


def read_languages(record: Record, name: str, report: Report) -> tuple[str, ...]:
    """Each language once, in the order of the feed; `name` is the service's id."""
    found = []
    for language in records_in(record, "languages"):
        code = language.get("code") or language.get("language")
        named = language.get("name") or language.get("language")
        if isinstance(code, str) and CODE.fullmatch(code.strip().lower()):
            found.append(code.strip().lower())
        elif isinstance(named, str) and named.strip().lower() in NAMES:
            found.append(NAMES[named.strip().lower()])
        else:
            report.add(name, "languages", "language_unknown")
    return tuple(dict.fromkeys(found))
