"""One JSON object a line, on stderr. What users send is never in it, nor are messages of exceptions."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import IO

LOGGER = logging.getLogger("entailment.serve")

# The fields a record may carry beside its message; anything else is not written.
FIELDS = (
    "event",
    "request_id",
    "method",
    "route",
    "status",
    "refused",
    "pairs",
    "tokens",
    "queue_ms",
    "model_ms",
    "total_ms",
    "exception",
    "where",
    "model",
    "address",
)


class JsonLines(logging.Formatter):
    """A record as one line of JSON: time, level, message and the known fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage().strip(),
        }
        line.update({name: record.__dict__[name] for name in FIELDS if name in record.__dict__})
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=True, default=str)


def log_to(stream: IO[str] | None = None) -> None:
    """Sends the server's log to a stream (stderr), without that of the library, which quotes texts.

    Warnings of uvicorn go the same way: what nobody handles Python prints as it is, tracebacks included.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    for logger, least in ((LOGGER, logging.INFO), (logging.getLogger("uvicorn"), logging.WARNING)):
        logger.handlers[:] = [handler]
        logger.setLevel(least)
        logger.propagate = False
    logging.getLogger("entailment").setLevel(logging.CRITICAL)
