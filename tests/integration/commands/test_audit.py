"""`linkwork audit verify`: a row for each service, each fault, and a checkpoint for the next run."""

import json
from pathlib import Path
from typing import Any

import pytest

from linkwork.__main__ import parse
from linkwork.config import Config
from linkwork.errors import CommandError
from shared.delivery.audit.trail import AUDIT, AUDIT_PAGES
from shared.delivery.kernel import Kernel
from shared.platform.web.audit import Change
from shared.platform.web.principal import Principal
from tests.harness.delivery.toy import TOY, Bench


async def note(kernel: Kernel[Any, Any], count: int) -> None:
    change = Change(Principal("lw-1", "link_worker"), "close")
    await kernel.audit.record_all(change.entry(kernel.clock()) for _ in range(count))
    await kernel._sealer.seal()


async def test_audit_is_verified_against_an_earlier_checkpoint(
    place: Bench, around: Config, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def verified(*more: str) -> tuple[int, str]:
        capsys.readouterr()
        code = await parse(["audit", "verify", "--service", "matching", *more]).command.run(around)
        return code, capsys.readouterr().out

    kept = tmp_path / "checkpoint.json"
    async with place.kernel(TOY).running() as kernel:
        await note(kernel, 2)
        await note(kernel, 3)
        code, out = await verified("--json")
        kept.write_text(out)
        assert code == 0
        (found,) = json.loads(out)
        assert (found["pages"], found["entries"], found["faults"]) == (2, 5, [])
        assert (await verified("--checkpoint", str(kept)))[0] == 0

        await kernel.mongo[AUDIT].delete_many({"page": 2})
        await kernel.mongo[AUDIT_PAGES].delete_one({"_id": 2})
        assert (await verified())[0] == 0, "the chain alone does not show that its end was cut off"
        code, out = await verified("--checkpoint", str(kept))
        assert code == 1
        assert "matching: cut_off 2" in out

        await kernel.mongo[AUDIT].update_one({}, {"$set": {"role": "referrer"}})
        code, out = await verified()
        assert code == 1
        assert "matching: entry_changed" in out


async def test_unreadable_checkpoint_is_refused(around: Config, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"checkpoint": 1}')
    with pytest.raises(CommandError, match=r"wrong\.json cannot be read"):
        await parse(["audit", "verify", "--checkpoint", str(wrong)]).command.run(around)
