"""The one zip that is made of a bundle: complete, and always the same."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from collections.abc import Mapping
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.folders import folders
from tests.runtime.bundles.uploads import of_folder, of_zip
from tests.zips import DEFLATED, SKILL_MD, STORED, Member, build


@given(folders)
def test_folders_come_back(files: Mapping[str, bytes]) -> None:
    """Any folder of files with any legal names comes back from the zip byte for byte, as any program reads it."""
    bundle, kept = of_folder(files)
    with zipfile.ZipFile(io.BytesIO(kept)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files
    assert (bundle.name, bundle.description) == ("csv-tools", "Reads tables.")


@given(folders, st.randoms(use_true_random=False), st.sampled_from([STORED, DEFLATED]))
def test_same_bytes_in_any_form(files: Mapping[str, bytes], random: Random, method: int) -> None:
    """The same files give the same zip as a folder or a zip, in any order, and as the zip itself."""
    bundle, kept = of_folder(files)
    shuffled = list(files.items())
    random.shuffle(shuffled)
    zipped = build([Member(name=path, content=content, method=method) for path, content in shuffled])
    assert of_folder(dict(shuffled)) == of_zip(zipped) == of_zip(kept) == (bundle, kept)


def test_size_and_digest() -> None:
    """A bundle's size and digest are those of its zip."""
    bundle, kept = of_folder({"a/SKILL.md": SKILL_MD})
    assert (bundle.size, bundle.digest) == (len(kept), hashlib.sha256(kept).hexdigest())


def test_nothing_but_the_files() -> None:
    """In the order of their paths, dated to zip's first day, plain but for scripts, and no more than that."""
    kept = of_folder({"a/z": b"", "a/B": b"#!/bin/sh", "a/é": b"# !", "a/SKILL.md": SKILL_MD})[1]
    with zipfile.ZipFile(io.BytesIO(kept)) as archive:
        infos = archive.infolist()
    assert [info.filename for info in infos] == ["a/B", "a/SKILL.md", "a/z", "a/é"]
    assert [stat.filemode(info.external_attr >> 16) for info in infos] == ["-rwxr-xr-x"] + ["-rw-r--r--"] * 3
    assert {(info.date_time, info.extra, info.comment) for info in infos} == {((1980, 1, 1, 0, 0, 0), b"", b"")}
