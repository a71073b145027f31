"""Turns a text of a feed, which may be HTML, into plain text."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

import nh3

from services.matching.directory.feed.markup import BARE_AMPERSAND, has_tags, simplified, without_hidden

# Characters searched for words, with images inside the text included.
MAX_SCANNED = 2_000_000
# Characters cleaned as HTML. Real feeds hold descriptions of 145,000 characters.
MAX_READ = 50_000
SCRIPT = re.compile(r"<script\b|javascript:|<[^<>]*[\s\"'/]on[a-z]+\s*=", re.IGNORECASE)
# The start of anything that a browser would take for a tag.
WOULD_BE_TAG = re.compile(r"<(?=[A-Za-z/!?])")
MAX_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class PlainText:
    """The text, and the codes of its defects."""

    text: str
    defects: tuple[str, ...]


def plain_text(raw: str, max_length: int) -> PlainText:
    """The words of a text that may be HTML, even HTML escaped twice; at most `max_length` characters.

    The result holds no mark-up. A page still has to escape it.
    """
    defects = []
    read = raw[:MAX_SCANNED]
    unescaped = _unescape(read)
    if SCRIPT.search(unescaped):
        defects.append("script_removed")
    if has_tags(unescaped):
        defects.append("html_removed")
    words, cut = read, len(raw) > MAX_SCANNED
    for _ in range(MAX_ROUNDS):
        simple = simplified(without_hidden(words))
        cut = cut or len(simple) > MAX_READ
        stripped = html.unescape(nh3.clean(simple[:MAX_READ], tags=set()))
        if stripped == words:
            break
        words = stripped
    else:
        # No feed escapes this often by accident, so all that looks like mark-up goes.
        words = words.translate(str.maketrans("<>&", "   "))
    # Control characters would otherwise reach pages, messages and spreadsheets.
    printable = "".join(c if c.isprintable() or c == "\n" else " " for c in WOULD_BE_TAG.sub("< ", words))
    lines = (" ".join(line.split()) for line in printable.split("\n"))
    text = "\n".join(line for line in lines if line)
    if not defects and raw != raw.strip():
        defects.append("spaces_removed")
    if len(text) > max_length or cut:
        defects.append("text_too_long")
        text = _cut(text, max_length)
    return PlainText(text, tuple(defects))


def _unescape(text: str) -> str:
    return html.unescape(BARE_AMPERSAND.sub("&amp;", text))


def _cut(text: str, max_length: int) -> str:
    if len(text) <= max_length:
        return text
    whole_words = text[: max_length - 1].rsplit(None, 1)[0]
    return f"{whole_words}…"
