"""What contestants can do. Nothing here is timed: benchmarks do that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, Self

HOME = "/mnt/data"
"""Where files go in a sandbox, and where commands run."""

GetReady = Callable[[], None]
"""See MakesSandboxes."""

Remove = Callable[[], None]
"""Removes a sandbox."""

Upload = Callable[[], None]
"""Uploads what was made ready for it, as often as it is called."""

Look = Callable[[], bytes | memoryview]
"""Gives the content of a downloaded file, which may lie in a file or an archive."""


class Contestant(Protocol):
    """One way to do what is measured.

    A context manager: inside, it has what it needs, made by it and removed at the end. Every method returns when the
    thing is done and known to be, and raises when it isn't.
    """

    name: str

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class KeepsFiles(Contestant, Protocol):
    """A place for files."""

    def upload(self, name: str, content: bytes) -> Upload:
        """Have everything ready that it takes to make a file there."""

    def download(self, name: str) -> Look:
        """Fetch a file that was uploaded."""

    def discard(self, name: str) -> int:
        """Remove a file that was uploaded: the bytes it had there."""


class MakesSandboxes(Contestant, Protocol):
    """Something that sandboxes can be had from."""

    def get_ready(self) -> None:
        """Wait for what it does by itself so that the next sandbox comes sooner. Most do nothing."""
        return

    def first_output(self, command: str) -> tuple[bytes, Remove]:
        """Make a sandbox and run a shell command in it: its standard output, and how to remove that sandbox."""


class RunsCommands(MakesSandboxes, KeepsFiles, Protocol):
    """A sandbox that runs, and can have more beside it. It is a place for files, which are in HOME."""

    def run(self, command: str) -> bytes:
        """Run a shell command in the sandbox: its standard output."""

    def discard(self, name: str) -> int:
        """See KeepsFiles."""
        return int(self.run(f"wc -c < {name} && rm {name}"))


class ReachesServer(Contestant, Protocol):
    """A program that speaks HTTPS with a server, from wherever it runs."""

    def run_errand(self, errand: str) -> float:
        """Have the program do what bench/https_client.py understands: the seconds that it took."""
