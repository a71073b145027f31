"""The picture: bars with their values written beside them. Pure: from results to SVG."""

from collections.abc import Mapping, Sequence
from html import escape
from statistics import median
from typing import Any, Final

WIDTH: Final = 860
_LABEL, _ROW, _BAR, _TOP = 400, 26, 16, 34
_SPACE: Final = WIDTH - _LABEL - 110
_INK, _OURS, _OTHERS = "#212b32", "#005eb8", "#768692"
# A label, a value, and whether it is ours: ours are drawn full, others hatched.
Bar = tuple[str, float, bool]


def picture(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The whole picture of the measured parts."""
    panels = []
    if "kernel" in results:
        panels.append(("Records a second: longer is faster", _rates(results["kernel"]), "{:,.0f}"))
    for part, name in (("kernel-latency", "the kernel alone"), ("latency", "the whole system")):
        if part in results:
            title = f"Milliseconds to a meeting, {name}: shorter is faster"
            panels.append((title, _times(results[part]), "{:,.0f} ms"))
    height, drawn, sentences = 16, [], []
    for title, bars, form in panels:
        drawn.append(_panel(title, bars, form, height))
        sentences.append(
            f"{title}. " + "; ".join(f"{label}: {form.format(value)}" for label, value, _ in bars)
        )
        height += _TOP + _ROW * len(bars) + 24
    description = escape(". ".join(sentences) or "Nothing has been measured.")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="title description" font-family="Arial, sans-serif" font-size="14">\n'
        f'<title id="title">What Linkwork was measured to do</title>\n'
        f'<desc id="description">{description}</desc>\n'
        '<defs><pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><rect width="6" height="6" fill="#ffffff"/>'
        f'<rect width="3" height="6" fill="{_OTHERS}"/></pattern></defs>\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def _rates(result: Mapping[str, Any]) -> list[Bar]:
    bars = []
    for key, label in result["labels"].items():
        rates = [run["rate"] for run in result["runs"] if run["contender"] == key]
        if rates:
            bars.append((label, median(rates), key.startswith("kernel")))
    return sorted(bars, key=lambda bar: -bar[1])


def _times(result: Mapping[str, Any]) -> list[Bar]:
    return [
        (f"{row['rate']} a second, {name}", row[name], name == "p50")
        for row in result["rates"]
        for name in ("p50", "p99")
        if row[name] is not None
    ]


def _panel(title: str, bars: Sequence[Bar], form: str, top: int) -> str:
    longest = max((value for _, value, _ in bars), default=1.0)
    lines = [f'<text x="16" y="{top + 16}" font-weight="bold" fill="{_INK}">{escape(title)}</text>']
    for number, (label, value, ours) in enumerate(bars):
        y = top + _TOP + number * _ROW
        wide = max(_SPACE * value / longest, 1.0)
        fill = _OURS if ours else "url(#hatched)"
        lines += [
            f'<text x="{_LABEL - 8}" y="{y + 13}" text-anchor="end" fill="{_INK}">'
            f"{escape(_short(label))}</text>",
            f'<rect x="{_LABEL}" y="{y}" width="{wide:.1f}" height="{_BAR}" fill="{fill}" stroke="{_INK}"/>',
            f'<text x="{_LABEL + wide + 6:.1f}" y="{y + 13}" fill="{_INK}">{form.format(value)}</text>',
        ]
    return "\n".join(lines)


def _short(label: str) -> str:
    return label if len(label) <= 56 else label[:55].rstrip() + "…"
