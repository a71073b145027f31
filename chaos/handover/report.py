"""The tables of a run of hand-overs: the rounds, and who died at which step. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from chaos.evidence import Finding
from chaos.handover.epochs import OURS, Epochs
from chaos.handover.inboxes import counted
from chaos.handover.plan import BACK, FORCED, PARTICIPANTS, THERE, Participant, Round, Way
from chaos.handover.reckon import Answer, Evidences
from chaos.messages import repeated

EVENTS_A_SECOND = 50
# Seconds. Booking's owner answers within this time (BOOK-1). A hand-over may take up to it as well.
ANSWER_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class Row:
    """A round with the seconds of its two ways, and its time in seconds since 1970."""

    planned: Round
    there: float
    back: float
    began: float
    ended: float


@dataclass(frozen=True)
class Outcome:
    """The result of a run.

    Attributes:
        events: events of the locality that was handed over in rounds, for each second of load.
        own, partners: answers by us and by the partners.
    """

    findings: Sequence[Finding]
    rows: Sequence[Row]
    struck: Sequence[tuple[Way, str, Participant]]
    answers: Sequence[Answer]
    here: str
    others: int
    referrals: int
    seconds: float
    events: float
    epochs: int
    messages: int
    repeated: int
    records: int
    refused: int
    planned: int = 0
    notes: Sequence[str] = field(default_factory=tuple)

    @classmethod
    def of(
        cls,
        evidence: Evidences,
        findings: Sequence[Finding],
        answers: Sequence[Answer],
        *,
        rows: Sequence[Row],
        struck: Sequence[tuple[Way, str, Participant]],
        others: int,
        load: tuple[float, float],
        referrals: int,
        here: str,
    ) -> "Outcome":
        """The result of this evidence. `load`: its begin in seconds since 1970, and its seconds."""
        began, seconds = load
        log = evidence.whole.log
        local = sum(
            e.topic.startswith(f"{here}.") and not e.is_marker and began <= e.at <= began + seconds
            for e in log
        )
        owned = counted(evidence.inboxes, evidence.refusals)
        owners = Epochs(log).owners
        return cls(
            findings=findings,
            rows=rows,
            struck=struck,
            answers=answers,
            here=here,
            others=others,
            referrals=referrals,
            seconds=seconds,
            events=local / seconds if seconds else 0.0,
            epochs=max(owners[here], default=0) if here in owners else 0,
            messages=len(evidence.whole.handed),
            repeated=sum(len(times) - 1 for times in repeated(evidence.whole).values()),
            records=owned["records"],
            refused=owned["refused"],
        )

    @property
    def clean(self) -> bool:
        """True without any deviation."""
        return not self.findings


def page(outcome: Outcome) -> str:
    """Both tables and the totals."""
    return "\n\n".join((rounds_table(outcome), deaths_table(outcome.struck), f"- {summary(outcome)}"))


def rounds_table(outcome: Outcome) -> str:
    """One line for each round, there and back."""
    lines = [
        _row(
            ["round", "", "there s", "back s", "deaths", "answered by the partner", "by us", "longest wait s"]
        ),
        "|---" * 8 + "|",
    ]
    for row in outcome.rows:
        found = [
            each
            for each in outcome.answers
            if each.locality == outcome.here and row.began <= each.created_at < row.ended
        ]
        ours = sum(each.owner == OURS for each in found)
        deaths = len(row.planned.there) + len(row.planned.back) + bool(row.planned.dead)
        longest = max((each.seconds for each in found), default=0.0)
        lines.append(
            _row(
                [
                    row.planned.number,
                    row.planned.name,
                    f"{row.there:.1f}",
                    f"{row.back:.1f}",
                    deaths,
                    len(found) - ours,
                    ours,
                    f"{longest:.1f}",
                ]
            )
        )
    return "\n".join(lines)


def deaths_table(struck: Sequence[tuple[Way, str, Participant]]) -> str:
    """Deaths of each participant at each step."""
    counts = Counter(struck)
    lines = [
        _row(["step", *(f"{who} killed" for who in PARTICIPANTS)]),
        "|---" * (len(PARTICIPANTS) + 1) + "|",
    ]
    ways: tuple[tuple[Way, Sequence[str]], ...] = (
        ("there", THERE),
        ("back", tuple(dict.fromkeys((*BACK, *FORCED)))),
    )
    for way, steps in ways:
        lines += [
            _row([f"{way}: {step}", *(counts[way, step, who] for who in PARTICIPANTS)])
            for step in steps
            if any(counts[way, step, who] for who in PARTICIPANTS)
        ]
    return "\n".join(lines)


def summary(outcome: Outcome) -> str:
    """The totals of a run."""
    kinds = Counter(finding.kind for finding in outcome.findings)
    ours = sum(each.owner == OURS for each in outcome.answers)
    return (
        f"{len(outcome.rows)} rounds, {outcome.epochs} epochs; {outcome.others} hand-overs of the other"
        f" locality, paused after each step; {outcome.referrals:,} referrals in {outcome.seconds:.0f} s,"
        f" {outcome.events:.0f} events a second in {outcome.here}; answers: ours {ours:,}, the partners'"
        f" {len(outcome.answers) - ours:,}; inboxes: {outcome.records:,} records, {outcome.refused} refused;"
        f" lost {kinds['lost']}, doubled {kinds['doubled']}, otherwise wrong {kinds['wrong']};"
        f" {outcome.messages:,} messages sent, {outcome.repeated} of them twice"
    )


def shortfalls(outcome: Outcome, planned: int) -> list[str]:
    """Lacks of a run that lost nothing: rounds, load, or answers in time."""
    found = []
    if len(outcome.rows) < planned:
        found.append(f"{len(outcome.rows)} of {planned} rounds only")
    if outcome.events < EVENTS_A_SECOND:
        found.append(f"{outcome.events:.0f} events a second only, and {EVENTS_A_SECOND} are promised")
    return found


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
