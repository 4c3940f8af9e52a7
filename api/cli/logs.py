"""Where log lines go, and how they look."""

from __future__ import annotations

import logging

from api.middleware import REQUEST_ID


def log_to_terminal(level: str) -> None:
    """Write this process's log to standard error, each line with the id of the request it is about."""
    handler = logging.StreamHandler()
    handler.addFilter(add_request_id)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(request_id)s %(message)s"))
    # What no line shows needn't be found out for each: so says logging's own manual.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    logging.basicConfig(level=level, handlers=[handler])
    # What these do step by step is not the operator's concern, their complaints are; but uvicorn's warnings are about
    # what strangers send, and advise to install something.
    for chatty, level_shown in (("uvicorn.error", "ERROR"), ("alembic", "WARNING")):
        logging.getLogger(chatty).setLevel(level_shown)
    logging.getLogger("uvicorn.error").addFilter(is_news)


def add_request_id(record: logging.LogRecord) -> bool:
    """A logging filter that passes everything, and tells of each record which request it is about."""
    record.request_id = REQUEST_ID.get()
    return True


def is_news(record: logging.LogRecord) -> bool:
    """A logging filter that drops what uvicorn says of a response that breaks off: the line before it says why."""
    return record.msg != "ASGI callable returned without completing response."
