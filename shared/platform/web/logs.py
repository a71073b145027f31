"""Log lines in JSON. They hold events and places, and no identity."""

import logging
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog
from structlog.typing import EventDict, ExcInfo, WrappedLogger

from shared.platform.web.security import request_id

# Other handlers and uvicorn set these on a record; the line has the message already.
_NOT_FIELDS: Final = ("message", "asctime", "color_message", "stack_info")
_MAX_CAUSES: Final = 5
_MAX_FRAMES: Final = 8


class JsonLines(structlog.stdlib.ProcessorFormatter):
    """Formats records of `logging` and of structlog as one JSON object a line.

    An exception is written as classes and places, without its message, which may quote input.
    """

    def __init__(self, service: str) -> None:
        super().__init__(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.processors.ExceptionRenderer(_describe_exception),
                partial(_line, service),
                structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
            ],
        )


def _describe_exception(exc_info: ExcInfo) -> list[dict[str, object]]:
    return exception_chain(exc_info[1])


def _line(service: str, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The fields of a line in their order: the common ones, then those of the call."""
    record: logging.LogRecord = event.pop("_record")
    line: EventDict = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "service": service,
        "logger": record.name,
        "message": event.pop("event"),
    }
    if (current := request_id.get()) != "-":
        line["request_id"] = current
    del event["_from_structlog"]
    line.update((name, value) for name, value in event.items() if name not in _NOT_FIELDS)
    return line


class Sparingly(logging.Filter):
    """Passes each message of a library once in so many seconds.

    While the broker is away, every consumer of every locality logs its retries, hundreds of times a second.
    Writing them would take the processor from the broker that is starting.
    """

    def __init__(self, library: str, seconds: float = 5.0, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._library = library
        self._seconds = seconds
        self._now = now
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """True if the record is to be written."""
        if not record.name.startswith(self._library):
            return True
        what, now = (record.name, str(record.msg)), self._now()
        if now < self._said.get(what, -self._seconds) + self._seconds:
            return False
        self._said[what] = now
        return True


def exception_chain(error: BaseException | None) -> list[dict[str, object]]:
    """The classes and innermost frames of an exception and its causes, without their messages."""
    chain: list[dict[str, object]] = []
    here = error
    while here is not None and len(chain) < _MAX_CAUSES:
        frames = traceback.extract_tb(here.__traceback__)[-_MAX_FRAMES:]
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        chain.append({"class": f"{type(here).__module__}.{type(here).__qualname__}", "frames": places})
        here = here.__cause__ or (None if here.__suppress_context__ else here.__context__)
    return chain


def configure_logging(service: str, level: int = logging.INFO) -> None:
    """Sends all logs to standard error as JSON lines. Libraries that log addresses log warnings only."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service))
    handler.addFilter(Sparingly("aiokafka"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
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
