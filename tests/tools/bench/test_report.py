"""The report of measurements."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.drawing import picture
from bench.publishing import BEGIN, END, kept, publish, whole
from bench.ratios import GOALS, Goal, goal_ratios
from bench.report import described
from bench.statistics import summary
from bench.tables import milliseconds, table
from tests.harness.bench.results import (
    ADMISSION,
    ALL,
    CATCH_UP,
    FIND,
    GROWTH,
    KERNEL,
    LATENCY,
    PAGE,
    SLOTS,
    WITHOUT_JAVA,
    measured,
)

SVG = "{http://www.w3.org/2000/svg}"


def test_ratios_are_taken_within_a_round() -> None:
    goal = next(goal for goal in GOALS if goal.theirs == "streams-2")
    assert goal_ratios(goal, KERNEL["runs"]) == [2.0, 0.9]
    assert goal_ratios(goal, WITHOUT_JAVA["runs"]) == []


def test_a_long_run_may_have_a_goal_of_its_own() -> None:
    goal = Goal("ours / theirs", "a", "b", 1.2, 1.0)
    assert (goal.wanted(100_000), goal.wanted(400_000)) == (1.2, 1.0)
    assert Goal("ours / theirs", "a", "b", 60).wanted(400_000) == 60


def test_throughput_table_says_median_spread_and_goals() -> None:
    _, text = described("kernel", KERNEL)
    assert (
        "| two processes / Kafka Streams, two threads | 0.90–2.00 | **1.45** | at least 1.2 | met |" in text
    )
    assert "| two processes | 1,000 | 19,000 | 11% | 175.0 (100.0/25.0/50.0) | 970 |" in text
    assert "| decode | 1,000 | 90,000 | 0% | 175.0 (100.0/25.0/50.0) | – |" in text


def test_program_that_could_not_run_says_why() -> None:
    _, text = described("kernel", WITHOUT_JAVA)
    assert "there is no java on this machine" in text
    assert "two processes / Kafka Streams" not in text
    assert "Runs that failed: two processes, round 2: no end in sight." in text


def test_percentile_unknown_is_a_dash_and_meets_no_goal() -> None:
    _, text = described("latency", LATENCY)
    assert "| 50 | 1,000 | 20 | 20 | 20 | 20 | 0 | 5: MongoDB 3, Kafka 2 |" in text
    assert "| 100 | 1,000 | 500 | – | – | 500 | 100 | 2: Kafka 2 |" in text
    assert "200 a second" in text
    assert "at 50 a second: met" in text
    _, slow = described("latency", LATENCY | {"rates": LATENCY["rates"][1:], "untried": [50]})
    assert "at 50 a second: **not met**" in slow
    _, other = described("kernel-latency", LATENCY | {"rates": LATENCY["rates"][1:]})
    assert "at 50 a second" not in other


def test_catching_up_growth_and_the_page() -> None:
    caught_up, grown, page = (
        described(part, result)[1]
        for part, result in (("catch-up", CATCH_UP), ("growth", GROWTH), ("page", PAGE))
    )
    assert "| 360,000 records worked off | 40.0 s (9,000/s) | under 60 s | met |" in caught_up
    assert "| +4.0% | within 5% | met |" in grown
    assert "1,000 records in tenths: 1,000 to 2,000 records/s, 100 to 104 MiB resident" in grown
    assert "1,000 bytes as documents" in grown
    assert "| rebuild of 2,000 records in 0.3 s, per 1,000,000 | 150 s | under 120 s | **not met** |" in grown
    assert "folding the log 0.2 s, writes paused for 0.05 s" in grown
    assert "| figures, as JSON | 50 | 50 | 50 | met |" in page
    assert "| the page, with its charts | 50 | 50 | 50 | met |" in page
    assert "| the page, after each new referral | 150 | 150 | 150 | **not met** |" in page


def test_search_for_a_person_is_judged_by_its_p99() -> None:
    _, text = described("find", FIND)
    assert "| first and last name | 20 | 20 | 20 | met |" in text
    assert "| both in reverse order, with a letter missing in each | 50 | 200 | 200 | **not met** |" in text
    assert "300 bytes of search terms on disk and 900 of their indexes" in text
    assert "postcode" not in text


def test_search_for_a_time_is_judged_by_its_p99() -> None:
    _, text = described("slots", SLOTS)
    assert "| the earliest three times of a person | 6.0 | 6.0 | 6.0 | met |" in text
    assert "| all times of a fortnight, for the page | 12 | 12 | 12 | **not met** |" in text
    assert "4,000 diaries with 120,000 days that hold meetings, 200 searches of each kind" in text
    _, few = described("slots", SLOTS | {"earliest": summary([0.006] * 20)})
    assert "| the earliest three times of a person | 6.0 | – | 6.0 | too few |" in few


def test_flood_delays_by_the_longest_wait_beyond_the_median() -> None:
    _, text = described("admission", ADMISSION)
    hop = "| a partner's fact, until its copy can be read | 10 | 10 | 10 | 30 | 30 | 30 | 20 | met |"
    assert hop in text
    assert "handled it | 10 | 10 | 10 | 50 | 50 | 300 | 290 | **not met** |" in text
    lost = ADMISSION["flooded"] | {"ours": ADMISSION["flooded"]["ours"] | {"unanswered": 1}}
    _, unanswered = described("admission", ADMISSION | {"flooded": lost})
    assert "| 300 | – | **not met** |" in unanswered


@pytest.mark.parametrize(("value", "said"), [(None, "–"), (0.84, "0.8"), (9.96, "10.0"), (12.4, "12")])
def test_milliseconds_are_as_exact_as_they_are_small(value: float | None, said: str) -> None:
    assert milliseconds(value) == said


def test_a_table() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |"


def test_the_picture_says_in_words_what_it_shows() -> None:
    drawn = ElementTree.fromstring(picture(ALL))
    assert drawn.get("role") == "img"
    assert drawn.get("aria-labelledby") == "title description"
    description = drawn.findtext(f"{SVG}desc") or ""
    assert drawn.findtext(f"{SVG}title")
    assert "Streams <2>: 15,000" in description
    written = [text.text or "" for text in drawn.iter(f"{SVG}text")]
    assert "19,000" in written
    assert "50 a second, p99" in written


def test_picture_hatches_bars_of_other_programs() -> None:
    bars = [bar.get("fill") for bar in ElementTree.fromstring(picture({"kernel": KERNEL})).iter(f"{SVG}rect")]
    assert bars.count("url(#hatched)") == 2
    assert bars.count("#005eb8") == 2


def test_the_machine_is_said_once_where_it_is_one() -> None:
    parts = [measured("page"), measured("growth")]
    assert whole(parts).count("On 2 cores.") == 1
    two = whole([parts[0], parts[1] | {"machine": "64 cores"}])
    assert two.count("On 2 cores.") == 1
    assert two.count("On 64 cores.") == 1


def test_a_busy_machine_is_said() -> None:
    assert "Other work ran" not in whole([measured("page")])
    assert "Other work ran" in whole([measured("page") | {"load_before": 6.0}])


def test_the_page_keeps_what_is_written_by_hand(tmp_path: Path) -> None:
    page, image, folder = tmp_path / "page.md", tmp_path / "page.svg", tmp_path / "measured"
    folder.mkdir()
    page.write_text(f"# Before\n\n{BEGIN}\nold\n{END}\n\nAfter\n")
    for part in ("page", "kernel"):
        (folder / f"{part}.json").write_text(json.dumps(measured(part)))
    assert [part["part"] for part in kept(folder)] == ["kernel", "page"]
    publish(page, image, folder)
    once = page.read_text()
    publish(page, image, folder)
    assert page.read_text() == once
    assert once.startswith("# Before\n")
    assert once.endswith(f"{END}\n\nAfter\n")
    assert "old" not in once
    assert "make bench ONLY=kernel" in once
    assert "What Linkwork was measured to do" in image.read_text()
