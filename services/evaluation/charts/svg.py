"""Writes SVG: elements with escaped attributes, and the frame of every chart.

The content security policy allows no inline style, so looks are presentation attributes. Colours are those of
NHS.UK. Every shape has an outline of at least 3:1 on white and a label in words, so that no meaning depends
on colour alone.
"""

from collections.abc import Iterable
from typing import Final

from markupsafe import Markup, escape

# Units across. A telephone shows about as many pixels, so that 16 units of text stay readable.
WIDTH: Final = 360

INK: Final = "#212b32"
BLUE: Final = "#005eb8"
PALE: Final = "#e8edee"
GREY: Final = "#4c6272"
WHITE: Final = "#ffffff"

TEXT: Final = 16
SMALL: Final = 14


def element(name: str, content: str | Markup = "", **attributes: str | float) -> Markup:
    """Writes an element. `stroke_width` stands for `stroke-width`; numbers lose needless digits."""
    written = Markup("").join(
        Markup(' {}="{}"').format(_name(key), _number(value)) for key, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(name, written, content)


def label(
    text: str, x: float, y: float, *, anchor: str = "start", size: int = TEXT, bold: bool = False
) -> Markup:
    """Writes words in the chart; `y` is their base line."""
    weight = "600" if bold else "400"
    return element("text", text, x=x, y=y, font_size=size, font_weight=weight, fill=INK, text_anchor=anchor)


def chart(identity: str, title: str, description: str, height: float, parts: Iterable[Markup]) -> Markup:
    """Writes the frame. `identity` is unique on the page; title and description describe the chart."""
    named = (
        element("title", title, id=f"{identity}-title"),
        element("desc", description, id=f"{identity}-desc"),
    )
    return element(
        "svg",
        Markup("").join((*named, *parts)),
        **{
            "class": "lw-chart",
            "viewBox": f"0 0 {WIDTH} {_number(height)}",
            "role": "img",
            "aria-labelledby": f"{identity}-title {identity}-desc",
        },
    )


def hatching(identity: str) -> Markup:
    """Writes the pattern of suppressed shapes, to be filled with `url(#<identity>)`."""
    stripe = element("path", d="M0 8L8 0", stroke=GREY, stroke_width=1.5)
    pattern = element("pattern", stripe, id=identity, width=8, height=8, patternUnits="userSpaceOnUse")
    return element("defs", pattern)


def _name(key: str) -> str:
    return key.replace("_", "-")


def _number(value: str | float) -> Markup:
    if isinstance(value, float):
        value = f"{value:.2f}".rstrip("0").rstrip(".")
    return escape(str(value))
