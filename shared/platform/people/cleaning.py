"""Text as it was meant: pasted text brings invisible characters, odd spaces and dashes of every kind."""

from __future__ import annotations

import unicodedata

# Letters, marks and signs that show nothing, beside the characters of category Cf.
_FILLERS = {"\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u2800", "\u3164", "\uffa0"}
_VARIATION_SELECTORS = {chr(code) for code in range(0xFE00, 0xFE10)}
_INVISIBLE = _FILLERS | _VARIATION_SELECTORS
# Signs that are written for a hyphen although Unicode does not count them among the dashes (Pd).
_LIKE_DASHES = {"\u02d7", "\u2043", "\u2212", "\u2796"}
# Some scripts need them between letters: without them a Persian name is spelt wrongly.
_JOINERS = {"\u200c", "\u200d"}


def clean_line(written: str) -> str:
    """One line without invisible characters, with single spaces and plain hyphens. Control signs stay."""
    kept = [
        "-" if _dash(sign) else sign for place, sign in enumerate(written) if not _invisible(written, place)
    ]
    return " ".join("".join(kept).split())


def clean_text(written: str) -> str:
    """Free text of several lines without invisible characters; its dashes and spaces stay as they were."""
    return "".join(sign for place, sign in enumerate(written) if not _invisible(written, place))


def _dash(sign: str) -> bool:
    return sign != "-" and (unicodedata.category(sign) == "Pd" or sign in _LIKE_DASHES)


def _invisible(written: str, place: int) -> bool:
    sign = written[place]
    if sign.isascii():
        return False
    if sign in _JOINERS:
        return not _joins(written, place)
    return sign in _INVISIBLE or unicodedata.category(sign) == "Cf"


def _joins(written: str, place: int) -> bool:
    """Tells that a joiner stands between two letters, or marks, of a script that uses it."""
    around = written[place - 1 : place] + written[place + 1 : place + 2]
    return len(around) == 2 and all(_of_a_joining_script(sign) for sign in around)


def _of_a_joining_script(sign: str) -> bool:
    # From Hebrew and Arabic to the scripts of India and South-East Asia.
    return "\u0590" <= sign <= "\u1fff" and unicodedata.category(sign)[0] in "LM"
