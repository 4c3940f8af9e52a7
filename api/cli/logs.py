"""Where log lines go, and how they look."""

from __future__ import annotations

import logging

from api.middleware import REQUEST_ID


def log_to_terminal(level: str) -> None:
    """Write this process's log to standard error, each line with the id of the request it is about."""
    handler = logging.StreamHandler()
    handler.addFilter(_add_request_id)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(request_id)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
    # Uvicorn's steps of starting and stopping are not the operator's concern, its complaints are.
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


def _add_request_id(record: logging.LogRecord) -> bool:
    record.request_id = REQUEST_ID.get()
    return True
