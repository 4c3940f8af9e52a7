"""How many bytes pass, and how many may."""

from __future__ import annotations

from runtime.egress.denial import Denied
from runtime.network_values import Reason


class Traffic:
    """The bytes of one connection so far, as seen from the sandbox. Its records share it, so they tell it live."""

    __slots__ = ("received", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0


class Allowance:
    """How many bytes may still pass for one container, in both directions together; None for any number."""

    def __init__(self, limit: int | None) -> None:
        self._left = limit

    @property
    def used_up(self) -> bool:
        """Whether nothing may pass any more."""
        return self._left is not None and self._left <= 0

    def take(self, size: int) -> None:
        """Let `size` bytes pass; Denied when they are more than are left, which uses it up."""
        if self._left is not None:
            self._left -= size
            if self._left < 0:
                raise Denied(Reason.BYTE_LIMIT)
