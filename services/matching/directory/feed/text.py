"""From whatever a feed calls a text to plain text."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

import nh3

from services.matching.directory.feed.markup import BARE_AMPERSAND, has_tags, simplified, without_hidden

# Look no further than this for words, images in the text included.
LOOK_AT_MOST = 2_000_000
# Read no further than this: real feeds hold descriptions of 145,000 characters.
READ_AT_MOST = 50_000
SCRIPT = re.compile(r"<script\b|javascript:|<[^<>]*[\s\"'/]on[a-z]+\s*=", re.IGNORECASE)
# Nothing that a browser takes for a tag, wherever the text is shown.
WOULD_BE_TAG = re.compile(r"<(?=[A-Za-z/!?])")
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
    read = raw[:LOOK_AT_MOST]
    unescaped = _unescape(read)
    if SCRIPT.search(unescaped):
        defects.append("script_removed")
    if has_tags(unescaped):
        defects.append("html_removed")
    words, cut = read, len(raw) > LOOK_AT_MOST
    for _ in range(ROUNDS):
        simple = simplified(without_hidden(words))
        cut = cut or len(simple) > READ_AT_MOST
        stripped = html.unescape(nh3.clean(simple[:READ_AT_MOST], tags=set()))
        if stripped == words:
            break
        words = stripped
    else:
        # Escaped deeper than anyone does by accident: what still looks like a tag goes.
        words = words.translate(str.maketrans("<>&", "   "))
    # Control characters would otherwise end up in pages, messages and spreadsheets.
    printable = "".join(c if c.isprintable() or c == "\n" else " " for c in WOULD_BE_TAG.sub("< ", words))
    lines = (" ".join(line.split()) for line in printable.split("\n"))
    text = "\n".join(line for line in lines if line)
    if not defects and raw != raw.strip():
        defects.append("spaces_removed")
    if len(text) > longest or cut:
        defects.append("text_too_long")
        text = _cut(text, longest)
    return PlainText(text, tuple(defects))


def _unescape(text: str) -> str:
    return html.unescape(BARE_AMPERSAND.sub("&amp;", text))


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    whole_words = text[: longest - 1].rsplit(None, 1)[0]
    return f"{whole_words}…"
