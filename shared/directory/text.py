"""From whatever a feed calls a text to plain text."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

import nh3

# Read no further than this: real feeds hold descriptions of 145,000 characters.
READ_AT_MOST = 50_000
LINE_ENDS = re.compile(r"<(?:br|/p|/div|/li|/h[1-6]|/tr)\b[^<>]*>", re.IGNORECASE)
SCRIPT = re.compile(r"<script\b|javascript:|<[^<>]*\son[a-z]+\s*=", re.IGNORECASE)
TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class PlainText:
    """The text, and the codes of what was wrong with it."""

    text: str
    defects: tuple[str, ...]


def plain_text(raw: str, longest: int) -> PlainText:
    """The words of a text that may be HTML, even HTML escaped twice; at most `longest` characters.

    What comes back holds no mark-up. It is still to be escaped by whatever page shows it.
    """
    defects = []
    read = raw[:READ_AT_MOST]
    if SCRIPT.search(html.unescape(read)):
        defects.append("script_removed")
    words = read
    for _ in range(ROUNDS):
        stripped = html.unescape(nh3.clean(LINE_ENDS.sub("\n", words), tags=set()))
        if stripped == words:
            break
        words = stripped
    else:
        # Escaped deeper than anyone does by accident: what still looks like a tag goes.
        words = words.translate(str.maketrans("<>&", "   "))
    if TAG.search(html.unescape(read)):
        defects.append("html_removed")
    # Control characters would otherwise end up in pages, messages and spreadsheets.
    printable = "".join(c if c.isprintable() or c == "\n" else " " for c in words)
    lines = (" ".join(line.split()) for line in printable.split("\n"))
    text = "\n".join(line for line in lines if line)
    if not defects and raw != raw.strip():
        defects.append("spaces_removed")
    if len(text) > longest or len(raw) > READ_AT_MOST:
        defects.append("text_too_long")
        text = _cut(text, longest)
    return PlainText(text, tuple(defects))


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    whole_words = text[: longest - 1].rsplit(None, 1)[0]
    return f"{whole_words}…"
