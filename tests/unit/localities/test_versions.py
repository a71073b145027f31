"""The valid versions of the table, the one in force, and since when a fold depends on the same."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.platform.localities import LOCALITIES_FILE, LocalitiesError, load_localities
from shared.platform.localities.differences import differences
from shared.platform.localities.document import canonical
from shared.platform.localities.loading import localities_of
from shared.platform.localities.versions import (
    VersionRefused,
    Versions,
    exported,
    load_table,
    read_export,
)
from tests.harness.control import (
    BEGIN,
    NEW_PRACTICE,
    locality_of,
    shipped,
    version,
    with_part,
    with_practice,
    with_source,
    without_locality,
)

PRACTICES, SOURCES = with_practice(shipped()), with_source(shipped(), "hub", 25)


def standing(*offered: Any) -> Versions:
    versions = Versions()
    for each in offered:
        versions.offer(each.encoded())
    return versions


def test_document_of_the_file_gives_the_table_of_the_file() -> None:
    again = localities_of(json.loads(canonical(shipped())), "a document")
    file = load_localities()
    assert (again.name, again.hub, again.by_slug) == (file.name, file.hub, file.by_slug)
    assert again.practice(NEW_PRACTICE) == file.practice(NEW_PRACTICE)


def test_version_read_from_its_record_is_the_same() -> None:
    made = version(3, PRACTICES, hours=1)
    assert standing(made).newest == made
    assert made.localities.of_practice(NEW_PRACTICE) is not None


def test_highest_number_whose_time_has_come_is_in_force() -> None:
    versions = standing(
        version(1, shipped()),
        version(2, PRACTICES, days=2),
        version(4, SOURCES, days=1),
        version(5, PRACTICES, days=3),
    )

    def number(**after: float) -> int:
        found = versions.in_force(BEGIN + timedelta(**after))
        return found.number if found else 0

    assert [number(), number(hours=23), number(days=1), number(days=2), number(days=3)] == [1, 1, 4, 4, 5]
    assert number(days=-1) == 1  # There is always a table.
    assert Versions().in_force(BEGIN) is None


def test_repeated_version_changes_nothing() -> None:
    versions = standing(version(1, shipped()), version(2, PRACTICES), version(1, shipped()))
    assert [each.number for each in versions] == [1, 2]


@pytest.mark.parametrize(
    ("record", "code", "sentence"),
    [
        (b"", "unreadable", "not JSON"),
        (b"\xff", "unreadable", "not JSON"),
        (b"[]", "unreadable", "must be a table"),
        (b'{"version": 0}', "unreadable", "version must be a whole number"),
        (b'{"version": 3}', "unreadable", "author is missing"),
        (b"[" * 100_000, "unreadable", "not JSON"),
        (version(2, SOURCES).encoded(), "conflicting", "known with other content"),
        (version(2, PRACTICES, hours=1).encoded(), "conflicting", "known with other content"),
        (version(1, PRACTICES).encoded(), "out_of_order", "comes after version 2"),
        (
            version(3, without_locality(PRACTICES, "longton")).encoded(),
            "locality_removed",
            "no locality longton, which version 2 has",
        ),
        (
            version(3, PRACTICES).encoded().replace(b'"slug":"longton"', b'"slug":"meir"'),
            "invalid_table",
            "version 3: there are two localities called meir",
        ),
        (
            version(3, PRACTICES).encoded().replace(b'"version":3', b'"colour":1,"version":3'),
            "unreadable",
            "colour is not a key we know",
        ),
        (
            version(3, PRACTICES).encoded().replace(b"+00:00", b""),
            "unreadable",
            "made_at must have a time zone",
        ),
    ],
)
def test_wrong_version_is_refused_and_the_former_stays(record: bytes, code: str, sentence: str) -> None:
    versions = standing(version(2, PRACTICES))
    with pytest.raises(VersionRefused, match=sentence) as refused:
        versions.offer(record)
    assert refused.value.code == code
    assert versions.newest == version(2, PRACTICES)


def test_locality_that_was_never_in_force_may_be_left_out() -> None:
    added = shipped()
    new = json.loads(json.dumps(locality_of(added))) | {"slug": "newtown"}
    new["practices"] = [{"ods": NEW_PRACTICE, "site": "The Village Surgery"}]
    added["locality"].append(new)
    scheduled = standing(version(1, shipped()), version(2, added, days=1))
    assert scheduled.offer(version(3, shipped()).encoded()).number == 3
    begun = standing(version(1, shipped()), version(2, added, days=1))
    with pytest.raises(VersionRefused, match="no locality newtown"):
        begun.offer(version(3, shipped(), days=2).encoded())


@pytest.mark.parametrize(
    ("change", "meir", "longton"),
    [
        (with_practice, 1, 1),
        (lambda document: with_source(document, "hub", 25), 2, 1),
        (lambda document: document | {"programme": {**document["programme"], "name": "Another"}}, 1, 1),
    ],
)
def test_fold_rules_rise_only_with_what_a_fold_depends_on(
    change: Callable[[Any], Any], meir: int, longton: int
) -> None:
    versions = standing(version(1, shipped()), version(2, change(shipped())), version(3, change(shipped())))
    newest = versions.newest
    assert newest is not None
    assert newest.localities.version == 3
    assert newest.localities.fold_rules_version("meir") == meir
    assert newest.localities.fold_rules_version("longton") == longton
    assert load_localities().fold_rules_version("meir") == 0


def test_table_that_is_kept_follows_the_current_one() -> None:
    known = load_localities()
    rank, meir = known.rank, known.by_slug["meir"]
    known.become(localities_of(with_source(PRACTICES, "hub", 25), "a document"))
    assert rank("/meir/hub") == 25
    assert known.of_practice(NEW_PRACTICE) == known.by_slug["meir"] != meir


def test_export_gives_the_versions_again(tmp_path: Path) -> None:
    versions = standing(version(1, shipped()), version(2, SOURCES, days=1))
    file = tmp_path / "control.jsonl"
    file.write_bytes(exported(versions))
    assert list(read_export(file)) == list(versions)
    assert load_table(file).rank("/meir/hub") == 25
    assert load_table(LOCALITIES_FILE).rank("/meir/hub") == 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "there is no version"), (b"{}\n", "line 1: record: version is missing"), (None, "cannot be read")],
)
def test_export_that_holds_no_versions_is_refused(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    file = tmp_path / "control.jsonl"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(LocalitiesError, match=sentence):
        read_export(file)


def test_differences_are_told_in_words() -> None:
    before, after = shipped(), with_source(PRACTICES, "hub", 25)
    locality_of(after, "longton")["minimum_age"] = 16
    locality_of(after)["safeguarding"]["email"] = "desk@meir.example"
    locality_of(after, "longton")["text_sender"] = "Longton team"
    locality_of(after)["practices"].pop(0)
    assert differences(before, before) == []
    assert sorted(differences(before, after)) == [
        "locality longton: minimum_age was 18, and is 16.",
        "locality longton: text_sender is “Longton team”, and was not given.",
        "locality meir, safeguarding: email was “safeguarding@meir.example”, and is “desk@meir.example”.",
        f"locality meir: practice {NEW_PRACTICE} is new.",
        "locality meir: practice M83100 is removed.",
        "locality meir: source hub is new.",
    ]
    changed = with_source(with_source(before, "hub", 25), "hub", 35)
    assert differences(with_source(before, "hub", 25), changed) == [
        "locality meir, source hub: rank was 25, and is 35."
    ]


@pytest.mark.parametrize("slug", ["sandbox", "meir"])
def test_locality_in_force_never_changes_whether_it_is_a_sandbox(slug: str) -> None:
    table = json.loads(canonical(shipped()))
    locality = next(each for each in table["locality"] if each["slug"] == slug)
    if slug == "sandbox":
        del locality["sandbox"]
        locality["practices"] = [{"ods": "M83701", "site": "Talke Pits Clinic"}]
    else:
        locality["sandbox"] = True
        locality["practices"] = [{"ods": "Z00009", "site": "Nowhere", "postcode": "ZZ99 9ZZ"}]
    with pytest.raises(VersionRefused, match=f"changes whether {slug} is a sandbox") as refused:
        standing(version(1, shipped()), version(2, table))
    assert refused.value.code == "sandbox_changed"


@pytest.mark.parametrize("part", ["casework", "partner"])
def test_source_never_brings_another_part_under_its_name(part: str) -> None:
    before = with_part(shipped(), "together", "booking")
    standing_one = standing(version(1, before), version(2, shipped()))
    assert standing_one.offer(version(3, before).encoded()).number == 3
    with pytest.raises(VersionRefused, match=f"/meir/together the part {part}, which was book") as refused:
        standing_one.offer(version(4, with_part(shipped(), "together", part)).encoded())
    assert refused.value.code == "part_changed"


def test_new_locality_may_be_a_sandbox() -> None:
    before = without_locality(shipped(), "sandbox")
    assert standing(version(1, before), version(2, shipped())).newest == version(2, shipped())
