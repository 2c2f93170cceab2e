"""Log lines as JSON objects, which CloudWatch can search by field and read metrics from."""

import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One line a record: time, level, logger, message, the request's id and what the caller gave as `extra`."""

    def __init__(self, request_id: Callable[[], str | None]) -> None:
        super().__init__()
        self._request_id = request_id

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": self._request_id(),
        }
        if trace := os.environ.get("_X_AMZN_TRACE_ID"):  # Lambda sets it anew for each call where X-Ray is on
            said["trace"] = trace
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        said.update({name: value for name, value in vars(record).items() if name not in _PLAIN})
        return json.dumps(said, ensure_ascii=False, default=str)


def log_as_json(request_id: Callable[[], str | None]) -> None:
    """Gives whatever handlers this process logs by the format, and one on standard error if it has none.

    `request_id` tells the id of the request that is being served, or None.
    """
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.StreamHandler())
    for handler in root.handlers:
        handler.setFormatter(JsonLines(request_id))
    root.setLevel(logging.INFO)
    logging.getLogger("botocore").setLevel(logging.WARNING)  # it tells where it found each setting
