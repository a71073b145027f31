"""Folds the set of a referral's facts into its history, section by section.

Order and repetition of facts do not matter. Every choice is made by keys that the facts carry: never by
arrival, and never by the latest time, because a clock may be an hour wrong.

- `effective.py` judges which facts count: some only from certain sources, or beside other facts.
- `retracted` makes the fact that it names never said. A retraction cannot be retracted: say the fact again.
- Of two facts about the same subject, the one of the higher (priority of its source, id) stands.
- The other rules stand with the sections: creation, meetings, prescriptions, casework, next step, stage.

`vectors/` states the rules as facts in and state out, for folds in any language.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from shared.contract.events.envelope import Body
from shared.contract.events.fact import Fact
from shared.contract.history.casework import CONTACT_ATTEMPTS, MEASURES, PLAN, SHARING, UNMET_NEEDS
from shared.contract.history.creation import CONTACT, CREATION, ENDINGS
from shared.contract.history.effective import EffectiveFacts
from shared.contract.history.meetings import MEETINGS
from shared.contract.history.model import ReferralHistory
from shared.contract.history.next_step import NEXT_STEP
from shared.contract.history.prescriptions import PRESCRIPTIONS
from shared.contract.history.section import Section, with_needs
from shared.contract.history.sources import SourceTable
from shared.contract.history.stage import STAGE

ALL_SECTIONS: Final = (
    CREATION,
    CONTACT,
    CONTACT_ATTEMPTS,
    MEETINGS,
    PLAN,
    PRESCRIPTIONS,
    UNMET_NEEDS,
    MEASURES,
    SHARING,
    ENDINGS,
    NEXT_STEP,
    STAGE,
)


def fold_referral(
    facts: Iterable[Fact],
    sources: SourceTable,
    sections: tuple[Section, ...] = ALL_SECTIONS,
    effective: EffectiveFacts | None = None,
) -> ReferralHistory:
    """The history that this set of facts gives, in these sections and those that they need.

    Reading a field of another section raises `NotFolded`. `effective`: what counts of them, if it was judged.
    """
    facts = list(facts)
    effective = effective or EffectiveFacts(facts, sources)
    by_kind, empty = _prepared(sections)
    fields = dict(empty)
    fields["last_recorded"] = max([fact.recorded for fact in facts], default=None)
    # Most histories are short: only the sections of the kinds that are there are folded.
    for section in {section: None for kind in effective.kinds() for section in by_kind.get(kind, ())}:
        fields.update(section.fold(effective))
    return ReferralHistory.of(fields)


@lru_cache(maxsize=32)
def _prepared(
    picked: tuple[Section, ...],
) -> tuple[dict[type[Body], tuple[Section, ...]], dict[str, Any]]:
    """The sections by the kinds that they are folded from, and the fields of a history without facts."""
    sections = with_needs(picked)
    by_kind = {
        kind: tuple(s for s in sections if kind in s.kinds) for each in sections for kind in each.kinds
    }
    return by_kind, {name: value for section in sections for name, value in section.empty.items()}
