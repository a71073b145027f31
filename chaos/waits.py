"""Computes the waits that a fault caused, afterwards, from the log, the commits and the answers."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chaos.commits import Commits
from chaos.counting import BOOKERS
from chaos.evidence import Evidence
from chaos.faults import StrikeRecord
from chaos.log import Entry, read
from chaos.posts import Post

BEFORE = 5.0  # Unfinished work that was requested this long before a strike waits because of it too.


@dataclass(frozen=True, slots=True)
class Wait:
    """Seconds without service since the strike, and since the return of its target."""

    record: StrikeRecord
    without: float
    after_return: float
    longest_for: str = ""  # The work that waited longest.


class Doing:
    """The times at which work was requested and done, and the service of each."""

    def __init__(self, evidence: Evidence, commits: Commits, posts: Sequence[Post]) -> None:
        self._log = sorted(evidence.log, key=lambda entry: entry.at)
        self._times = [entry.at for entry in self._log]
        self._commits = commits
        self._posts = posts
        self._settled = _settled(evidence.log)

    def wait(self, record: StrikeRecord) -> Wait:
        """The wait that this strike caused."""
        late = [each for each in self._done(record) if each[1] > record.began]
        if not late:
            return Wait(record, 0.0, 0.0)
        longest = max(late, key=lambda each: each[1] - max(each[0], record.began))
        last = max(done for _, done, _ in late)
        without = longest[1] - max(longest[0], record.began)
        return Wait(record, without, max(last - record.mended, 0.0), longest[2])

    def _done(self, record: StrikeRecord) -> Iterator[tuple[float, float, str]]:
        """(requested, done, what) of all work requested of the struck services during the strike."""
        first, last = record.began - BEFORE, record.mended
        parts = record.strike.parts
        for entry in self._log[bisect_left(self._times, first) : bisect_right(self._times, last)]:
            locality = entry.topic.partition(".")[0]
            for part in parts:
                handled = self._commits.handled_at(f"{locality}.{part}", entry)
                if handled is not None:
                    yield entry.at, handled, f"{part} to handle {entry.place}"
            if "matching" in parts and ".referral-created." in entry.topic and entry.key in self._settled:
                yield entry.at, self._settled[entry.key], f"a meeting for {entry.place}"
        if "referral" in parts:
            for post in self._posts:
                if first <= post.sent <= last and post.answered:
                    yield post.sent, post.answered, "an answer to a practice"


def _settled(log: Sequence[Entry]) -> Mapping[bytes | None, float]:
    """The time of Linkwork's first meeting or reason, for each referral without a partner's."""
    found: dict[bytes | None, float] = {}
    theirs: set[bytes | None] = set()
    for entry in log:
        event = read(entry)
        if event is None or event.kind not in ("meeting-booked", "meeting_waiting"):
            continue
        if event.who.endswith(BOOKERS):
            found[entry.key] = min(found.get(entry.key, event.at), event.at)
        else:
            theirs.add(entry.key)
    return {key: at for key, at in found.items() if key not in theirs}
