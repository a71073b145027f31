"""Sections about the referral itself: its creation, whether messages may be sent, and how it ended."""

from collections.abc import Set

from shared.contract.events import outcomes as o
from shared.contract.events.envelope import Body
from shared.contract.events.models import ReferralCreated
from shared.contract.history.effective import EffectiveFacts
from shared.contract.history.model import Ending
from shared.contract.history.section import Fields, Section


def _creation(facts: EffectiveFacts) -> Fields:
    created, said = facts.highest(ReferralCreated)
    return {"created": created, "created_said": said}


def _contact(facts: EffectiveFacts) -> Fields:
    return {"contact_changes": tuple(facts.of(o.ContactChanged))}


def _endings(facts: EffectiveFacts) -> Fields:
    reopened = facts.of(o.ReferralReopened)
    undone = {(r.ends_source, r.ends_id) for r, _ in reopened}
    ends = [
        *(Ending("closed", c.reason, said, c.note) for c, said in facts.of(o.ReferralClosed)),
        *(Ending("declined", d.reason, said, d.note) for d, said in facts.of(o.ReferralDeclined)),
        *(Ending("returned", r.reason, said, r.note) for r, said in facts.of(o.ReferralReturned)),
        *(Ending("withdrawn", w.reason, said, w.note) for w, said in facts.of(o.ReferralWithdrawn)),
    ]
    standing = (e for e in ends if (e.said.source, e.said.id) not in undone)
    return {
        "endings": tuple(sorted(standing, key=lambda e: (e.said.id, e.said.source))),
        "reopenings": len(reopened),
        "erased": facts.has(o.PersonErased),
    }


_ENDINGS: Set[type[Body]] = frozenset(
    {
        o.ReferralClosed,
        o.ReferralDeclined,
        o.ReferralReturned,
        o.ReferralWithdrawn,
        o.ReferralReopened,
        o.PersonErased,
    }
)

# Of several creations, the one of the highest (priority, id) stands.
CREATION = Section(
    name="creation",
    version=3,
    kinds=frozenset({ReferralCreated}),
    empty={"created": None, "created_said": None},
    fold=_creation,
)
# Whether messages are safe is as the referral says, until a fact changes it. Changes that contradict each
# other: only a yes from all is a yes. To change it again is to retract the earlier change.
CONTACT = Section(
    name="contact",
    version=3,
    kinds=frozenset({o.ContactChanged}),
    empty={"contact_changes": ()},
    fold=_contact,
    needs=(CREATION,),
)
# A referral is open while it is created, none of its endings stands and the person is not erased.
# `referral_reopened` undoes exactly the ending that it names, whichever has the higher id.
ENDINGS = Section(
    name="endings",
    version=3,
    kinds=_ENDINGS,
    empty={"endings": (), "reopenings": 0, "erased": False},
    fold=_endings,
    needs=(CREATION,),
)
