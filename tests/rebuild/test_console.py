"""What an operator types and reads of a rebuild."""

import pytest

from linkwork.__main__ import parser
from linkwork.rebuild import _plain
from shared.delivery.rebuild.comparing import Compared, Figures
from shared.delivery.rebuild.report import Report

COMMAND = ("rebuild", "evaluation")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("--why", "drift", "--processes", "-1"), "from 0 to 999"),
        (("--why", "drift", "--processes=-1"), "from 0 to 999"),
        (("--why", "drift", "--processes", "two"), "from 0 to 999"),
        (("--why", ""), "say why, in a few words"),
        (("--why", "   "), "say why, in a few words"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(
    typed: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([*COMMAND, *typed])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_what_can_be_meant_is_taken() -> None:
    given = parser().parse_args([*COMMAND, "--why", " drift ", "--processes", "0"])
    assert (given.why, given.processes) == ("drift", 0)
    assert parser().parse_args([*COMMAND, "--why", "drift"]).processes == 2


def test_what_was_compared_is_not_read_as_missing() -> None:
    whole = Report(
        1, 2, compared=Compared(1200, 3460, extra=3), figures=Figures(7, ("sums a",)), switched=True
    )
    assert _plain(whole).splitlines()[:5] == [
        "COMPARED                 ROWS  DIFFERENCES",
        "facts                    3460  0 missing from the new one",
        "                               3 in the new one only",
        "views of the same facts  1200  0",
        "other rows               7     1",
    ]
