"""How many files and sockets the service may have open."""

from __future__ import annotations

import resource


def allow_open_files() -> None:
    """As many as the system lets it: each sandbox takes a few, and each connection out of one takes two."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
