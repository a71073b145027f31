"""The last few hundred sent messages, in memory and in one file."""

import json
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from shared.platform.clock import Clock
from shared.platform.ids import NewId, new_id

MOST_MESSAGES = 500
FILE = "mailbox.jsonl"


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as it would have arrived. `at` is ISO 8601 in UTC."""

    id: str
    at: str
    channel: Literal["email", "sms"]
    to: str
    subject: str
    text: str
    reference: str


class Mailbox:
    """Sent messages, newest last.

    A repeated reference is the same message, kept once. Safe across threads.
    """

    def __init__(self, state: Path, clock: Clock, new_id: NewId = new_id) -> None:
        self._path = state / FILE
        self._clock = clock
        self._new_id = new_id
        self._lock = threading.Lock()
        self._messages: deque[Sent] = deque(self._read(), maxlen=MOST_MESSAGES)
        self._lines = MOST_MESSAGES * 2  # The file's contents are not known yet, so write it once.

    def put(
        self, channel: Literal["email", "sms"], *, to: str, subject: str, text: str, reference: str
    ) -> Sent:
        """Keeps a message, or finds the one already kept under this channel and reference."""
        with self._lock:
            for known in self._messages:
                if reference and (known.channel, known.reference) == (channel, reference):
                    return known
            at = self._clock().isoformat(timespec="milliseconds")
            sent = Sent(self._new_id(), at, channel, to, subject, text, reference)
            self._messages.append(sent)
            self._keep(sent)
            return sent

    def newest_first(self) -> list[Sent]:
        """All messages kept."""
        with self._lock:
            return list(reversed(self._messages))

    def _read(self) -> Iterable[Sent]:
        if not self._path.exists():
            return []
        lines = self._path.read_text("utf-8").splitlines(keepends=True)
        # A process that was killed while it wrote has left part of a line.
        return [Sent(**json.loads(line)) for line in lines if line.endswith("\n")]

    def _keep(self, sent: Sent) -> None:
        """Adds a line to the file. If the file has grown far beyond the shown messages, writes it again."""
        if self._lines < MOST_MESSAGES * 2:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(_line(sent))
            self._lines += 1
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft")
        draft.write_text("".join(map(_line, self._messages)), "utf-8")
        draft.chmod(0o600)
        draft.replace(self._path)
        self._lines = len(self._messages)


def _line(sent: Sent) -> str:
    return json.dumps(asdict(sent)) + "\n"
