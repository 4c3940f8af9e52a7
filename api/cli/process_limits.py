"""What the service's process may do, and others may do with it."""

from __future__ import annotations

import resource

from runtime.process_memory import close_to_others


def allow_open_files() -> None:
    """Let it have as many files and sockets open as the hard limit allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def open_files() -> int:
    """How many files and sockets the process may have open now."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def forbid_core_dumps() -> None:
    """Have the kernel write none, and let no other process of its user look into it: containers' secrets are there."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    close_to_others()
