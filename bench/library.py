"""The `requests` library in one file, for programs that run where it isn't installed."""

from __future__ import annotations

import zipfile
from importlib.metadata import files
from pathlib import Path

PARTS = ("requests", "urllib3", "idna", "certifi", "charset_normalizer")
"""The library, and what it needs."""

SUFFIXES = {".py", ".pem"}
"""Of what is imported from an archive, or read from one. What is compiled is only there to be faster."""


def pack(archive: Path) -> None:
    """Write what the benchmark itself has of it to an archive that Python imports from."""
    with zipfile.ZipFile(archive, "w") as library:
        for part in PARTS:
            for file in files(part) or ():
                if file.suffix in SUFFIXES:
                    library.write(file.locate(), str(file))
