"""Documents of the contract as HTML: Markdown without HTML of its own, in the classes of NHS.UK. Pure."""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")
_CLASSES: Final = {
    "h1": "nhsuk-heading-l",
    "h2": "nhsuk-heading-m",
    "h3": "nhsuk-heading-s",
    "ul": "nhsuk-list nhsuk-list--bullet",
    "ol": "nhsuk-list nhsuk-list--number",
    "table": "nhsuk-table",
    "thead": "nhsuk-table__head",
    "tbody": "nhsuk-table__body",
    "tr": "nhsuk-table__row",
    "td": "nhsuk-table__cell",
}
_WORDS: Final = re.compile(r"[^a-z0-9]+")
_MARKUP: Final = re.compile(r"[`*_]")
# From a path in the repository to the address at which the front serves the same.
_ADDRESSES: Final = (
    (re.compile(r"docs/contract/README\.md"), "/contract/"),
    (re.compile(r"docs/partners\.md"), "/contract/about/partners"),
    (re.compile(r"docs/contract/([a-z-]+)\.md"), r"/contract/about/\1"),
    (re.compile(r"docs/contract/([a-z-]+\.json)"), r"/contract/\1"),
    (re.compile(r"shared/contract/history/vectors/README\.md"), "/contract/about/vectors"),
    (re.compile(r"shared/contract/events/vectors/README\.md"), "/contract/about/vectors-of-the-log"),
    (re.compile(r"shared/contract/stories/README\.md"), "/contract/about/stories"),
    (re.compile(r"shared/contract/(?:history|events)/vectors/(.+\.json)"), r"/contract/vectors/\1"),
    (re.compile(r"shared/contract/events/schemas/(.+\.json)"), r"/contract/schemas/\1"),
    (re.compile(r"shared/contract/api/(.+\.json)"), r"/contract/openapi/\1"),
    (re.compile(r"shared/contract/((?:examples|stories)/.+\.json)"), r"/contract/\1"),
)


@dataclass(frozen=True, slots=True)
class Document:
    """A document as a page has it. Its source is ours, and holds no HTML."""

    title: str
    html: str


def document_of(text: str, folder: str = "docs/contract") -> Document:
    """The page of a document. Its first heading is its title.

    `folder` is where it lies in the repository: its links begin there.
    """
    tokens = _MARKDOWN.parse(text)
    _dress(tokens, folder)
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return Document(_title(text), _with_scrolling_tables(html))


def inline(text: str) -> str:
    """A sentence of a schema as HTML: its codes stand between backticks."""
    html: str = _MARKDOWN.renderInline(text)
    return html


def _title(text: str) -> str:
    heading = next((line[2:] for line in text.splitlines() if line.startswith("# ")), "Contract")
    return _MARKUP.sub("", heading).strip()


def _dress(tokens: Sequence[Token], folder: str) -> None:
    """Gives elements their classes, headings their anchors, and links the addresses of the front."""
    seen: dict[str, int] = {}
    for place, token in enumerate(tokens):
        if token.type.endswith("_open") and token.tag in _CLASSES:
            token.attrSet("class", _CLASSES[token.tag])
        if token.type == "heading_open":
            token.attrSet("id", _anchor(tokens[place + 1].content, seen))
        if token.type == "th_open":
            token.attrSet("scope", "col")
        for child in token.children or ():
            if child.type == "link_open":
                _lead(child, folder)


def _with_scrolling_tables(html: str) -> str:
    """A wide table scrolls by itself on a phone, by keyboard too."""
    first, *rest = html.split("<table")
    regions = (
        f'<div class="lw-scrolled" role="region" aria-label="Table {number}" tabindex="0"><table{each}'
        for number, each in enumerate(rest, 1)
    )
    return first + "".join(regions).replace("</table>", "</table></div>")


def _anchor(heading: str, seen: dict[str, int]) -> str:
    name = _WORDS.sub("-", heading.lower()).strip("-") or "part"
    seen[name] = seen.get(name, 0) + 1
    return name if seen[name] == 1 else f"{name}-{seen[name]}"


def _lead(link: Token, folder: str) -> None:
    """Leads a link to the address of what it names, or nowhere if the front does not serve that."""
    target = str(link.attrGet("href"))
    if target.startswith(("http", "#", "/")):
        return
    path, hash_, anchor = target.partition("#")
    wanted = posixpath.normpath(posixpath.join(folder, path))
    for pattern, address in _ADDRESSES:
        if found := pattern.fullmatch(wanted):
            link.attrSet("href", found.expand(address) + hash_ + anchor)
            return
    del link.attrs["href"]
