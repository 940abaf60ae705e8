# SPDX-License-Identifier: Apache-2.0
"""One JSON line an event, on standard error. Nothing of a body, a query or a header is in it: a request is
told by its route, a caller by the id of the key, a bug by its kind and the lines of code it went through.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path


def clock() -> datetime:
    """The service's clock. Aware UTC."""
    # An entrance, as the command line is: everything further in gets time as a value.
    return datetime.now(UTC)  # noqa: TID251


def write(event: str, **values: str | float | None) -> None:
    """Write one line; ``values`` are the service's own words and numbers."""
    line = {"at": clock().isoformat(timespec="milliseconds"), "event": event, **values}
    sys.stderr.write(f"{json.dumps(line)}\n")
    sys.stderr.flush()


def write_bug(error: BaseException, request_id: str) -> None:
    """A bug without its message, which may quote what a caller sent."""
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    places = " ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
    write("bug", kind=type(error).__name__, request_id=request_id, places=places)


class ServerLog(logging.Handler):
    """The words of the server below us in the same form, their arguments left out."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        write("server", level=record.levelname.lower(), message=str(record.msg))


def take_over() -> None:
    """Have the server below us write its warnings here."""
    logger = logging.getLogger("uvicorn")
    logger.handlers = [ServerLog(logging.WARNING)]
    logger.propagate = False
