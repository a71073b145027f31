"""The page for partners: what it shows can be sent and run as it stands."""

import re
from pathlib import Path

from services.referral.partners.checks import Refusal, judge
from services.referral.partners.table import ProgrammeTable
from shared.platform.localities import LOCALITIES_FILE, load_localities

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "partners.md").read_text("utf-8")
SOURCE = "/meir/vast-hub"


def shown_record() -> tuple[bytes, list[tuple[str, bytes | None]], bytes]:
    """Key, headers and body of the record that the page shows."""
    (block,) = re.findall(r"^ {4}key: .*?\n(?=\n#)", PAGE, re.MULTILINE | re.DOTALL)
    head, _, body = block.partition("\n\n")
    (_, key), *headers = (line.strip().split(": ", 1) for line in head.splitlines())
    return key.encode(), [(name, value.encode()) for name, value in headers], body.encode()


def test_record_of_the_page_is_admitted() -> None:
    key, headers, body = shown_record()
    found = judge(SOURCE, key, body, headers, ProgrammeTable(load_localities(LOCALITIES_FILE)))
    assert not isinstance(found, Refusal), found


def test_practices_of_the_page_are_those_of_the_table() -> None:
    practices = load_localities(LOCALITIES_FILE).by_slug["meir"].practices
    assert set(re.findall(r"[MY]\d{5}", PAGE)) == {practice.ods for practice in practices}


def test_python_client_of_the_page_is_the_tested_one() -> None:
    (version,) = re.findall(r"pip install aiokafka==(\S+)", PAGE)
    assert f"aiokafka=={version} " in (ROOT / "requirements" / "dev.txt").read_text("utf-8").replace(
        "[lz4,snappy,zstd]", ""
    )


def test_commands_of_the_page_name_files_of_the_examples() -> None:
    for folder, file in (("js", "package.json"), ("py", "partner.py"), ("java", "Partner.java")):
        assert f"# partner-{folder}: " in PAGE
        assert (ROOT / "examples" / f"partner-{folder}" / file).exists()
