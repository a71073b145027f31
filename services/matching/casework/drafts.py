"""Drafts of the meeting record: codes and numbers here, texts in the vault under the person's key."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from services.matching.authorization import LINK_WORKER, find_case
from services.matching.booking.diary import Diaries
from services.matching.clients.vault import NotInVault, Vault, VaultAway
from services.matching.collections import DRAFTS
from services.matching.referral_state.state import ReferralState
from shared.contract.api.referral import NoteKind
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Row, Transaction
from shared.delivery.unit_of_work.aggregate import aggregate_id
from shared.platform.web.audit import Change
from shared.platform.web.owners import Owners
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

_MAX_TEXTS: Final = 20


@dataclass
class Drafts:
    """Drafts of meeting records, one for each case.

    `key` digests texts, so that the vault stores each once.
    """

    kernel: Kernel[ReferralState, Diaries]
    vault: Vault
    owners: Owners
    key: bytes = field(repr=False)

    async def draft(self, caller: Principal, referral_id: str) -> dict[str, Any] | None:
        """The draft of the meeting record as saved, with its texts from the vault; None without one."""
        row = await self._case(caller, referral_id)
        kept = await self.kernel.mongo[DRAFTS].find_one({"_id": aggregate_id(row["locality"], referral_id)})
        if kept is None:
            return None
        try:
            texts = await self.vault.notes(
                row["locality"], referral_id, list(kept["notes"].values()), caller.subject
            )
        except (VaultAway, NotInVault):
            texts = {}
        return {
            **kept["fields"],
            **{name: texts[note] for name, note in kept["notes"].items() if note in texts},
        }

    async def save_draft(
        self, caller: Principal, referral_id: str, fields: Mapping[str, Any], texts: Mapping[str, str]
    ) -> None:
        """Saves a draft: `fields` hold codes and numbers. `texts` (by name) are stored in the vault only.

        503 if the vault does not answer; then nothing is saved.
        """
        row = await self._case(caller, referral_id)
        locality = row["locality"]
        notes: dict[str, str] = {}
        for name, text in list(texts.items())[:_MAX_TEXTS]:
            if not text.strip():
                continue
            # The key names the text, so that saving the same draft again keeps one note and not two.
            seal = hmac.new(self.key, f"{name}|{text}".encode(), blake2b).hexdigest()[:32]
            try:
                notes[name] = await self.vault.keep_note(
                    locality, referral_id, _kind(name), text.strip(), f"draft:{seal}"
                )
            except (VaultAway, NotInVault):
                raise Problem(
                    503, code="vault_away", detail="The draft cannot be kept just now. Try again in a minute."
                ) from None
        draft = {"by": caller.subject, "at": self.kernel.clock(), "fields": dict(fields), "notes": notes}

        async def work(tx: Transaction) -> None:
            which = {"_id": aggregate_id(locality, referral_id)}
            await tx[DRAFTS].replace_one(which, draft, upsert=True, session=tx.session)

        codes = tuple(sorted({*fields, *notes}))
        change = Change(caller, "save_draft", codes=codes, locality=locality, subject_ref=referral_id)
        await self.kernel.transact(work, change=change)

    async def drop_draft(self, caller: Principal, referral_id: str) -> None:
        """Deletes the draft."""
        row = await self._case(caller, referral_id)

        async def work(tx: Transaction) -> None:
            await drop_drafts(tx, [aggregate_id(row["locality"], referral_id)])

        change = Change(caller, "drop_draft", locality=row["locality"], subject_ref=referral_id)
        await self.kernel.transact(work, change=change)

    async def _case(self, caller: Principal, referral_id: str) -> Row:
        row = await find_case(
            self.kernel.mongo, caller, {"referral": referral_id}, LINK_WORKER, self.kernel.clock()
        )
        self.owners.require_ours("casework", row["locality"])
        return row


def _kind(name: str) -> NoteKind:
    if "matter" in name:
        return "what_matters"
    return "goal" if "goal" in name or "words" in name else "note"


async def drop_drafts(tx: Transaction, cases: Sequence[str]) -> None:
    """Deletes the drafts of cases whose person was erased."""
    if cases:
        await tx[DRAFTS].delete_many({"_id": {"$in": list(cases)}}, session=tx.session)
