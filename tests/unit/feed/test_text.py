"""Plain text holds no mark-up, however often it was escaped."""

from __future__ import annotations

import html

import nh3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.matching.directory.feed.text import plain_text

pieces = st.sampled_from(
    [
        "<b>",
        "</b>",
        "<script>",
        "</script>",
        "&lt;",
        "&gt;",
        "&amp;",
        "<",
        ">",
        "<p",
        " onclick=",
        "x",
        " ",
        "\n",
        "&#60;",
    ]
)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("A <b>hot</b> meal", "A hot meal"),
        ("<p>One</p><p>Two</p>", "One\nTwo"),
        ("One<br/>Two", "One\nTwo"),
        ("Tea &amp; cake", "Tea & cake"),
        ("Under 5s < 10 people", "Under 5s < 10 people"),
        ("&lt;b&gt;Bold&lt;/b&gt; claims", "Bold claims"),
        ("<script>alert('x')</script>Come in", "Come in"),
        ("<style>p{}</style>Come in", "Come in"),
        ("Ring\u00a0us\x00 now\u202e", "Ring us now"),
        ("<tr><td>Adults</td><td>£5</td><td>10am</td></tr><tr><td>Children", "Adults £5 10am\nChildren"),
        ("<dl><dt>Cost</dt><dd>£5</dd><dt>When</dt><dd>Monday</dd></dl>", "Cost\n£5\nWhen\nMonday"),
        ("<li>One<li>Two", "One\nTwo"),
        ("<p>One<p>Two", "One\nTwo"),
        ("Come <!-- not now --> in", "Come in"),
        ("<o:p></o:p><![CDATA[Come in]]>", "Come in"),
        ("<img alt='a > b' src=x>Come in", "Come in"),
        ("https://x.example/?a=1&notify=2&copy=3", "https://x.example/?a=1&notify=2&copy=3"),
        ("BMI<b 30", "BMI< b 30"),
        ("BMI<b 30 and >40", "BMI< b 30 and >40"),
        ("Ages 5<a and b>c", "Ages 5< a and b>c"),
        ("I <3 lunch", "I <3 lunch"),
        ("Ask Jo <jo@lunch.example>", "Ask Jo < jo@lunch.example>"),
        ("AT&T; fish & chips", "AT&T; fish & chips"),
    ],
)
def test_plain_text_keeps_words_without_mark_up(raw: str, text: str) -> None:
    assert plain_text(raw, 100).text == text


@pytest.mark.parametrize(
    "wrapped",
    [
        f'<img src="data:image/png;base64,{"A" * 60_000}">',
        f"<img src=data:image/png;base64,{'A' * 60_000}>",
        f"<!-- {'x' * 60_000} -->",
        f"<style>{'x' * 60_000}</style>",
        f"<p style='{'x' * 60_000}'>",
        "<div>" * 12_000,
    ],
)
def test_plain_text_keeps_words_after_long_mark_up(wrapped: str) -> None:
    assert plain_text(f"{wrapped}Come and join us", 100).text == "Come and join us"


@given(st.text() | st.lists(pieces).map("".join))
def test_plain_text_read_twice_is_unchanged(raw: str) -> None:
    once = plain_text(raw, 1000).text
    assert plain_text(once, 1000).text == once


@given(st.text() | st.lists(pieces).map("".join))
@example("&amp;amp;amp;amp;amp;lt;script&amp;amp;amp;amp;amp;gt;")
@example("<<b>script>")
def test_plain_text_unescaped_shows_no_tag(raw: str) -> None:
    text = plain_text(raw, 1000).text
    assert html.unescape(nh3.clean(text, tags=set())).split() == text.split()


@given(st.text(max_size=300), st.integers(2, 50))
def test_plain_text_is_never_too_long(raw: str, longest: int) -> None:
    assert len(plain_text(raw, longest).text) <= longest


def test_plain_text_of_145_000_characters_ends_at_a_word() -> None:
    read = plain_text("<p>" + "community " * 14_500 + "</p>", 2000)
    assert read.text.endswith("community…")
    assert "text_too_long" in read.defects


@pytest.mark.parametrize(
    "raw",
    ["<" * 145_000, "<br" * 48_000, "<a " * 48_000, "&lt;" * 36_000, "<a on" * 29_000, "<div>" * 100_000],
)
def test_plain_text_is_fast_for_any_text(raw: str) -> None:
    plain_text(raw, 2000)
