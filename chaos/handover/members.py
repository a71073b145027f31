"""Clients that speak KIP-848 and begin at the latest record try to join the groups of both owners.

In a group of its own, such a client must read. In a group of classic members it must be refused, since one
such member has the broker assign partitions anew, unlike the classic ones.
"""

import asyncio
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from chaos.evidence import Finding
from chaos.handover.partner import Booker, has_packages
from chaos.log import topics_of
from chaos.stack import Stack
from deploy.local.errors import CannotRun
from deploy.local.reaper import ROOT
from shared.platform.access.declaration import OPERATOR

SECONDS = 6.0
_PROGRAM = Path(__file__).with_name("member.mjs")


@dataclass(frozen=True)
class Try:
    """One client: its user, the group that it tries, and whether it may join."""

    user: str
    group: str
    may_join: bool


def tries(booker: Booker) -> list[Try]:
    """Groups of the partner and of ours, each tried with rights to it, and ours without as well."""
    here = booker.locality
    return [
        Try(booker.user, f"{booker.user}.kip-848", may_join=True),
        Try(booker.user, booker.group, may_join=False),
        Try(booker.user, f"{here}.matching", may_join=False),
        Try(OPERATOR, f"{here}.matching", may_join=False),
    ]


async def strangers(stack: Stack, booker: Booker) -> list[Finding]:
    """Has each client try its group. Returns what should not have been."""
    if not has_packages():
        return []
    found = []
    for each in tries(booker):
        told = await _told(stack, booker.locality, each)
        joined = told["refused"] is None
        if joined != each.may_join:
            what = (
                "a client by KIP-848 could not read" if each.may_join else "a client joined a classic group"
            )
            found.append(Finding("wrong", what, f"{each.user} in {each.group}: {told}"))
    return found


async def _told(stack: Stack, locality: str, each: Try) -> dict[str, object]:
    kafka = stack.as_user("stranger", each.user)
    process = await asyncio.create_subprocess_exec(
        *(shutil.which("node") or "node", str(_PROGRAM)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={
            **os.environ,
            "KAFKA_BOOTSTRAP": kafka.bootstrap,
            "KAFKA_USER": each.user,
            "KAFKA_PASSWORD": stack.password(each.user),
            "GROUP": each.group,
            "TOPICS": ",".join(topics_of([locality])),
            "SECONDS": str(SECONDS),
        },
        cwd=ROOT,
        start_new_session=True,
    )
    stack.reaper.watch(process.pid)
    try:
        said, _ = await asyncio.wait_for(process.communicate(), 5 * SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise CannotRun("a client by KIP-848 does not end") from None
    told: dict[str, object] = json.loads(said or b'{"refused": "no answer"}')
    return told
