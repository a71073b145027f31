"""The table as a document of JSON values: the file of localities with the practices of its register."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from shared.platform.localities.entries import Entry, LocalitiesError
from shared.platform.localities.model import Practice
from shared.platform.localities.practices import ODS_CODE, read_practices

Document = Mapping[str, Any]
_REGISTER: Final = "practices_file"
_PRACTICES: Final = "practices"


def read_document(path: Path) -> Document:
    """Reads the TOML file and the register that it names.

    Raises:
        LocalitiesError: one of them cannot be read; the sentence names it.
    """
    try:
        parsed = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LocalitiesError(f"{path.name} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalitiesError(f"{path.name} is not valid TOML: {error}.") from error
    if _PRACTICES in parsed:
        raise LocalitiesError(f"{path.name}: {_PRACTICES} is not a key we know; is it misspelt?")
    known = read_practices(path.parent / Entry(path.name, parsed).text(_REGISTER))
    rest = {key: value for key, value in parsed.items() if key != _REGISTER}
    document = {_PRACTICES: [_practice_row(practice) for practice in known.values()], **rest}
    made: Document = json.loads(json.dumps(document, default=_day))
    return made


def practices_of(file: Entry) -> dict[str, Practice]:
    """Every practice of the document by ODS code, all outside the programme.

    Raises:
        LocalitiesError: an entry is wrong, a code is no ODS code, or one is listed twice.
    """
    found: dict[str, Practice] = {}
    for entry in file.entries(_PRACTICES):
        ods, name, postcode = entry.text("ods"), entry.text("name"), entry.text("postcode")
        position = entry.position("position") if entry.has("position") else None
        entry.done()
        if not ODS_CODE.fullmatch(ods):
            raise LocalitiesError(f"{entry.where}: {ods!r} is not an ODS practice code.")
        if ods in found:
            raise LocalitiesError(f"{entry.where}: {ods} is listed twice.")
        found[ods] = Practice(ods, name, name, postcode, position, None)
    return found


def canonical(document: object) -> str:
    """One text for equal documents."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _practice_row(practice: Practice) -> dict[str, Any]:
    row: dict[str, Any] = {"ods": practice.ods, "name": practice.name, "postcode": practice.postcode}
    return row | ({"position": list(practice.position)} if practice.position else {})


def _day(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise LocalitiesError(f"A {type(value).__name__} stands where no value of this kind can be.")
