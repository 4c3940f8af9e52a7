"""What every contestant can do. Nothing here is timed: benchmarks do that."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

HOME = "/mnt/data"
"""Where files go, and where commands run."""

Remove = Callable[[], None]
"""Removes a sandbox."""

Upload = Callable[[], None]
"""Uploads what was made ready for it, as often as it is called."""

Look = Callable[[], bytes | memoryview]
"""Gives the content of a downloaded file, which may lie in a file or an archive."""


class Contestant(Protocol):
    """One way to use a sandbox.

    A context manager: inside, it has a sandbox that runs, made by it and removed at the end. Every method returns when
    the thing is done and known to be, and raises when it isn't.
    """

    name: str

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def first_output(self, command: str) -> tuple[bytes, Remove]:
        """Make another sandbox and run a shell command in it: its standard output, and how to remove that sandbox."""

    def run(self, command: str) -> bytes:
        """Run a shell command in the sandbox: its standard output."""

    def upload(self, name: str, content: bytes) -> Upload:
        """Have everything ready that it takes to make a file in HOME."""

    def download(self, name: str) -> Look:
        """Fetch a file from HOME that was uploaded."""
