"""The files that a sandbox is given, before it starts and later, on every engine."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.engines.base import Engine
from runtime.errors import EngineUnavailable, NotFound
from tests.oci_runtimes import DEFAULT
from tests.runtime.engines.conftest import Workshop
from tests.runtime.engines.console import Console

MIB = 1024**2

LOOK = "find /new -printf '%p %u %g %m %y\\n' | sort; cat /new/folder/a; /new/folder/run"
SEEN = b"""\
/new root root 755 d
/new/folder root root 755 d
/new/folder/a root root 444 f
/new/folder/run root root 555 f
content
ran
"""

CHANGES = [
    "echo x > /new/folder/a",
    "echo x >> /new/folder/run",
    "echo x > /new/b",
    "mkdir /new/folder/c",
    "rm -rf /new/folder/run",
    "mv /new/folder/a /new/folder/z",
    "mv /new /tmp/old",
    "ln -s /tmp /new/link",
    "ln -f /etc/passwd /new/folder/a",
    "chmod u+w /new/folder/a",
    "chmod a+w /new/folder",
    "chown 1000 /new/folder/a",
    "touch /new/folder/a",
    "truncate -s 0 /new/folder/a",
    'python3 -c \'import os; os.setxattr("/new/folder/a", "user.x", b"")\'',
    'python3 -c \'open("/new/folder/a", "r+")\'',
]


def write_tar(path: Path, files: Mapping[str, tuple[int, bytes]]) -> Path:
    """A tar of files, each with its mode and content, after the folders that they are in; all of it is root's."""
    with tarfile.open(path, "w") as tar:
        for folder in sorted({str(parent) for name in files for parent in Path(name).parents} - {"."}):
            header = tarfile.TarInfo(folder)
            header.type, header.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(header)
        for name, (mode, content) in files.items():
            header = tarfile.TarInfo(name)
            header.mode, header.size = mode, len(content)
            tar.addfile(header, io.BytesIO(content))
    return path


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    """A tar of two files in a folder that the image doesn't have."""
    files = {"new/folder/a": (0o444, b"content\n"), "new/folder/run": (0o555, b"#!/bin/sh\necho ran\n")}
    return write_tar(tmp_path / "files.tar", files)


async def run(engine: Engine, workshop: Workshop, files: Path | None, script: str) -> bytes:
    """What the first thing that runs in a new sandbox with these files writes, errors included."""
    spec = workshop.spec(("sh", "-c", f"exec 2>&1; read x; {script}\necho through; cat"))
    await engine.create(replace(spec, files=files))
    console = await Console.of(engine, spec.name)
    console.stream.write(b"go\n")
    await console.until(b"through\n")
    console.stream.close()
    return bytes(console.received).removesuffix(b"through\n")


async def test_what_code_finds(engine: Engine, workshop: Workshop, tar: Path) -> None:
    """The files are there from the start, with the owner, modes and bytes that they have in the tar."""
    assert await run(engine, workshop, tar, LOOK) == SEEN


async def test_the_tar_is_not_needed_any_more(engine: Engine, workshop: Workshop, tar: Path) -> None:
    """Once the sandbox is made, its files don't depend on the tar."""
    spec = replace(workshop.spec(("sh", "-c", f"read x; {LOOK}; cat")), files=tar)
    await engine.create(spec)
    os.remove(tar)
    console = await Console.of(engine, spec.name)
    console.stream.write(b"go\n")
    await console.until(b"ran\n")
    assert console.received == SEEN
    console.stream.close()


async def test_code_can_not_change_them(engine: Engine, workshop: Workshop, tar: Path) -> None:
    """Whatever code tries on files and folders of root's fails, and they stay as they are."""
    tries = "\n".join(f"({change}) 2>/dev/null && echo 'did {number}'" for number, change in enumerate(CHANGES))
    assert await run(engine, workshop, tar, f"{tries}\n{LOOK}") == SEEN


async def test_they_are_of_one_sandbox(engine: Engine, workshop: Workshop, tar: Path) -> None:
    """A sandbox that is made after one with files, even under its name, has none of them."""
    spec = replace(workshop.spec(("cat",)), files=tar)
    await engine.create(spec)
    there = "ls -d /new || echo none"
    assert b"none" in await run(engine, workshop, None, there)
    await engine.destroy(spec.name)
    await engine.create(replace(spec, files=None, command=("sh", "-c", f"read x; {there}; cat")))
    console = await Console.of(engine, spec.name)
    console.stream.write(b"go\n")
    await console.until(b"none\n")
    console.stream.close()


@pytest.mark.parametrize("engine", [DEFAULT], indirect=True)  # how many there are is nothing to the OCI runtime
async def test_many_and_large_files(engine: Engine, workshop: Workshop, tmp_path: Path) -> None:
    """Thousands of files with names of all kinds, and one of 50 MB, are there byte for byte."""
    large = os.urandom(50 * MIB)
    names = [f"new/{number % 50}/{number}" for number in range(5000)]
    names += ["new/ü 数据 😀", "new/-rf", "new/a\nb", "new/$(id)", "new/" + "x" * 255, "new/" + "d/" * 100 + "deep"]
    files = {name: (0o444, name.encode()) for name in names} | {"new/large": (0o444, large)}
    tar = write_tar(tmp_path / "files.tar", files)
    script = """find /new -type f -print0 | sort -z | xargs -0 cat | sha256sum"""
    whole = hashlib.sha256()
    for path in sorted(files, key=lambda name: name.encode()):
        whole.update(files[path][1])
    assert await run(engine, workshop, tar, script) == f"{whole.hexdigest()}  -\n".encode()


@pytest.mark.parametrize("size", [700, 2570])
async def test_a_broken_tar(engine: Engine, workshop: Workshop, tar: Path, size: int) -> None:
    """Files that can't all be unpacked are an error, nothing runs, and what is left of it can be destroyed."""
    os.truncate(tar, size)
    spec = replace(workshop.spec(("cat",)), files=tar)
    with pytest.raises(EngineUnavailable):
        await engine.create(spec)
    assert not any(handle.running for handle in await engine.list(workshop.labels))
    await engine.destroy(spec.name)


@pytest.mark.parametrize("engine", [DEFAULT], indirect=True)
async def test_in_a_sandbox_that_runs(engine: Engine, workshop: Workshop, tar: Path) -> None:
    """Where a running sandbox can be changed, files that come later are as those that were there from the start."""
    tries = "\n".join(f"({change}) 2>/dev/null && echo 'did {number}'" for number, change in enumerate(CHANGES))
    name = await workshop.make(f"exec 2>&1; read x; {tries}\n{LOOK}; cat")
    await engine.unpack(name, tar)
    os.remove(tar)
    console = await Console.of(engine, name)
    console.stream.write(b"go\n")
    await console.until(b"ran\n")
    assert console.received == SEEN
    console.stream.close()


async def test_in_no_sandbox(engine: Engine, tar: Path) -> None:
    """Files for a sandbox that isn't there are an error that says so."""
    with pytest.raises(NotFound):
        await engine.unpack("sandlot-test-missing", tar)
