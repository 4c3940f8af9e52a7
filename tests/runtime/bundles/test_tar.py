"""Skills as a tar: what a container gets."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

from hypothesis import given
from hypothesis import strategies as st

from runtime.bundles.limits import MB
from runtime.bundles.tar import write_tar
from tests.folders import folders
from tests.runtime.bundles.peak import peak
from tests.runtime.bundles.uploads import of_folder
from tests.zips import SKILL_MD


@given(st.lists(folders, max_size=3))
def test_files_come_back(skills: Sequence[Mapping[str, bytes]]) -> None:
    """Every file of every skill is in the skill's own folder, byte for byte, whatever its name."""
    entries = _entries([(f"skill-{number}", files) for number, files in enumerate(skills)])
    assert {path: content for path, (_, content) in entries.items() if content is not None} == {
        f"skill-{number}/{path.split('/', 1)[1]}": content
        for number, files in enumerate(skills)
        for path, content in files.items()
    }


def test_nobody_writes_but_root() -> None:
    """Files are root's and read-only, scripts can be run, and every folder comes before what is in it."""
    entries = _entries([("x-1", {"x/SKILL.md": SKILL_MD, "x/bin/run": b"#!/bin/sh", "x/bin/é": b""})])
    assert [(path, tarinfo.mode) for path, (tarinfo, _) in entries.items()] == [
        ("x-1", 0o755),
        ("x-1/SKILL.md", 0o444),
        ("x-1/bin", 0o755),
        ("x-1/bin/run", 0o555),
        ("x-1/bin/é", 0o444),
    ]
    assert {(tarinfo.uid, tarinfo.gid, tarinfo.mtime) for tarinfo, _ in entries.values()} == {(0, 0, 315_532_800)}


def test_one_at_a_time() -> None:
    """The next skill is asked for once the last one is written: they needn't all be open."""
    into = io.BytesIO()
    written = []

    def skills() -> Iterator[tuple[str, BinaryIO]]:
        for number in range(3):
            written.append(into.tell())
            yield f"x-{number}", io.BytesIO(of_folder({"x/SKILL.md": SKILL_MD, "x/more": os.urandom(20_000)})[1])

    write_tar(skills(), into)
    assert written == sorted(set(written))


def test_memory_stays_flat() -> None:
    """However many skills there are, less than 2 MiB of memory is taken."""
    content = of_folder({f"x/{number}/{'n' * 200}": bytes(500) for number in range(499)} | {"x/SKILL.md": SKILL_MD})[1]
    with open(os.devnull, "wb") as into, peak() as most:
        write_tar(((f"x-{number}", io.BytesIO(content)) for number in range(8)), into)
    assert most() < 2 * MB


def _entries(
    skills: Sequence[tuple[str, Mapping[str, bytes]]],
) -> dict[str, tuple[tarfile.TarInfo, bytes | None]]:
    """What a program that unpacks the tar finds, in its order; folders have no content."""
    into = io.BytesIO()
    write_tar([(folder, io.BytesIO(of_folder(files)[1])) for folder, files in skills], into)
    into.seek(0)
    with tarfile.open(fileobj=into) as tar:
        return {tarinfo.name: (tarinfo, _content(tar, tarinfo)) for tarinfo in tar}


def _content(tar: tarfile.TarFile, tarinfo: tarfile.TarInfo) -> bytes | None:
    extracted = tar.extractfile(tarinfo)
    return None if extracted is None else extracted.read()
