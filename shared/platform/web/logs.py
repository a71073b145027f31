"""Logs as JSON lines: what happened where, never to whom."""

import json
import logging
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

from shared.platform.web.security import request_id

_ORDINARY = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonLines(logging.Formatter):
    """One JSON object a line. Of an exception only classes and places: its text may quote input."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (current := request_id.get()) != "-":
            line["request_id"] = current
        line |= {name: value for name, value in vars(record).items() if name not in _ORDINARY}
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = exception_chain(record.exc_info[1])
        return json.dumps(line, default=str, ensure_ascii=False)


class Sparingly(logging.Filter):
    """Lets a library say the same thing once in so many seconds.

    While the broker is away every consumer of every locality tries again and says so, hundreds of times a
    second: writing that down takes the processor from the broker that is starting.
    """

    def __init__(self, library: str, seconds: float = 5.0, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._library = library
        self._seconds = seconds
        self._now = now
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(self._library):
            return True
        what, now = (record.name, str(record.msg)), self._now()
        if now < self._said.get(what, -self._seconds) + self._seconds:
            return False
        self._said[what] = now
        return True


def exception_chain(error: BaseException) -> list[dict[str, object]]:
    """Classes and innermost frames of an exception and its causes, without their messages."""
    chain: list[dict[str, object]] = []
    here: BaseException | None = error
    while here is not None and len(chain) < 5:
        frames = traceback.extract_tb(here.__traceback__)[-8:]
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        chain.append({"class": f"{type(here).__module__}.{type(here).__qualname__}", "frames": places})
        here = here.__cause__ or (None if here.__suppress_context__ else here.__context__)
    return chain


def configure_logging(service: str, level: int = logging.INFO) -> None:
    """Send all logs to standard error as JSON lines. Libraries that print addresses are kept quiet."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service))
    handler.addFilter(Sparingly("aiokafka"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in (
        "httpx",
        "httpcore",
        "aiokafka",
        "authlib",
        "multipart",
        "aiosmtplib",
        "mail.log",
        "pymongo",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True
