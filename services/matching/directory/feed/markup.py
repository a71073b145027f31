"""Tells HTML tags from the angle brackets of plain text."""

from __future__ import annotations

import re


def _named(names: str) -> frozenset[str]:
    return frozenset(names.split())


# HTML elements, with the obsolete ones that word processors write.
BLOCKS = _named(
    "address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset "
    "figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li "
    "link main menu meta nav noscript ol optgroup option p pre search section select summary table tbody "
    "tfoot thead title tr ul"
)
CELLS = frozenset({"td", "th"})
INLINE = _named(
    "a abbr acronym applet area audio b base basefont bdi bdo big blink button canvas cite code col colgroup "
    "data datalist del dfn em embed font i iframe img input ins kbd label map mark marquee math meter nobr "
    "object output param path picture plaintext progress q rp rt ruby s samp script slot small source span "
    "strike strong style sub sup svg template textarea time track tt u var video wbr xmp"
)
# Attributes without a value.
BARE = _named(
    "allowfullscreen async autofocus autoplay checked controls default defer disabled hidden inert ismap "
    "loop multiple muted nomodule novalidate nowrap open readonly required reversed selected"
)
TAG = re.compile(
    r"<(?P<end>/?)(?P<name>[a-z][a-z0-9]*(?:[:-][a-z0-9]+)*)"
    r"(?P<rest>(?:[\s/](?:[^<>\"']|\"[^\"]*\"|'[^']*')*)?)>",
    re.IGNORECASE | re.ASCII,
)
OPEN = re.compile("<")
DECLARATION = re.compile(r"<(?:!doctype|\?xml)[^<>]*>|<!\[CDATA\[|\]\]>", re.IGNORECASE)
HIDDEN = re.compile(r"<!--|<(script|style)\b", re.IGNORECASE)
ENDS = {
    "": re.compile("-->"),
    "script": re.compile(r"</script[^<>]*>", re.IGNORECASE),
    "style": re.compile(r"</style[^<>]*>", re.IGNORECASE),
}
# An ampersand starts an entity only if a semicolon ends it: "?a=1&notify=2" is a web address.
BARE_AMPERSAND = re.compile(r"&(?!(?:[a-z][a-z0-9]*|#[0-9]+|#x[0-9a-f]+);)", re.IGNORECASE)


def without_hidden(text: str) -> str:
    """The text without comments, scripts and styles. One that is never closed hides the rest."""
    kept, at = [], 0
    while hidden := HIDDEN.search(text, at):
        kept.append(text[at : hidden.start()])
        end = ENDS[(hidden[1] or "").lower()].search(text, hidden.end())
        at = end.end() if end else len(text)
    return "".join((*kept, text[at:]))


def has_tags(text: str) -> bool:
    """True if the text has a tag, a comment or a declaration."""
    return bool(HIDDEN.search(text) or DECLARATION.search(text)) or any(map(is_tag, TAG.finditer(text)))


def is_tag(found: re.Match[str]) -> bool:
    """True if a candidate is a tag. "BMI<b 30 and >40" has none."""
    name, rest = found["name"].lower(), found["rest"].strip().rstrip("/").strip()
    known = name in BLOCKS or name in CELLS or name in INLINE or ":" in name
    if found["end"]:
        return known or not rest
    if not rest:
        return known
    bare = all(word.lower() in BARE for word in rest.split())
    return bare and known if "=" not in rest else not rest[0].isdigit()


def simplified(text: str) -> str:
    """The text with blocks as line ends, cells as spaces, inline tags bare, other "<" and "&" escaped."""
    kept: list[str] = []
    at = 0
    text = DECLARATION.sub("", text)
    for found in filter(is_tag, TAG.finditer(text)):
        kept += (_escaped(text[at : found.start()]), _in_place_of(found))
        at = found.end()
    return "".join((*kept, _escaped(text[at:])))


def _in_place_of(tag: re.Match[str]) -> str:
    name = tag["name"].lower()
    if name in BLOCKS:
        return "\n"
    if name in CELLS:
        return " "
    return f"<{tag['end']}{name}>" if name in INLINE else ""


def _escaped(text: str) -> str:
    return OPEN.sub("&lt;", BARE_AMPERSAND.sub("&amp;", text))
