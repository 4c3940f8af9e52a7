"""No copies of the service's memory: containers' secrets are in it."""

from __future__ import annotations

import resource

from runtime.process_memory import close_to_others


def forbid_core_dumps() -> None:
    """Have the kernel write none of this process, and let no other process of its user look into it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    close_to_others()
