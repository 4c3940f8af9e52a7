"""Names in bundles: what a path may be, and what a skill's folder is called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.bundles.limits import MAX_DEPTH, MAX_PART_BYTES, MAX_PATH_BYTES
from runtime.bundles.names import check_path, folder_name, is_clutter, parents
from runtime.errors import InvalidInput

texts = st.one_of(st.text(st.characters(categories=None), max_size=80), st.text("./-a:\\ \0é😀\ud800", max_size=12))


@pytest.mark.parametrize(
    "path",
    [
        "a/b",
        "a/...",
        "a/.hidden",
        "a/ leading and trailing ",
        "a/b:c",
        "ab:c/d",
        "a/C:/d",
        "日本/é/e\u0301",
        "a/-rf",
        "a/con.txt",
        "a/\u202eb",
        "a/" + "é" * 127 + "x",
        "/".join(["x" * 204] * 5),
        "/".join("x" * MAX_DEPTH),
    ],
)
def test_legal(path: str) -> None:
    """What a Linux file system takes is legal, up to each limit."""
    check_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "./a",
        "a/./b",
        "..",
        "a/..",
        "a/../b",
        "a\\b",
        "C:a",
        "c:/a",
        "a/\0",
        "a/\n",
        "a/\x7f",
        "a/\x85",
        "a/\ud800",
        "a/" + "é" * 128,
        "/".join(["x" * 204] * 4 + ["x" * 205]),
        "/".join(["é" * 102] * 5 + ["x"]),
        "/".join("x" * (MAX_DEPTH + 1)),
    ],
)
def test_illegal(path: str) -> None:
    """What leads elsewhere, means something else on another system, or is a unit over a limit is refused."""
    with pytest.raises(InvalidInput) as refused:
        check_path(path)
    assert refused.value.message.isprintable()


@given(texts)
def test_legal_paths_stay_inside(path: str) -> None:
    """A path that is not refused can be written, and goes down and nowhere else."""
    try:
        check_path(path)
    except InvalidInput:
        return
    assert len(path.encode()) <= MAX_PATH_BYTES
    assert not set(path.split("/")) & {"", ".", ".."}
    assert "\0" not in path


@given(texts, st.text("0123456789abcdef", min_size=1, max_size=32))
def test_folder_names(name: str, suffix: str) -> None:
    """Whatever a skill is called, its folder's name is one that a file system takes, and ends with the suffix."""
    folder = folder_name(name * 10, suffix)
    assert folder.endswith(f"-{suffix}")
    assert not set(folder) & {"/", "\0", "\n", "\ud800"}
    assert len(folder.encode()) <= MAX_PART_BYTES
    assert folder[0] != "."


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("csv-tools", "csv-tools-1"),
        ("CSV tools & more", "CSV tools & more-1"),
        ("日本語", "日本語-1"),
        ("a/b", "a_b-1"),
        ("../up", "___up-1"),
        ("..", "__-1"),
        ("-rf", "_rf-1"),
        ("a\nb\x85", "a_b_-1"),
        ("é" * 64, "é" * 64 + "-1"),
        ("😀" * 64, "😀" * 63 + "-1"),
    ],
)
def test_folder_name_examples(name: str, folder: str) -> None:
    """A name stays as it is, but for what can't be in the name of a folder or would hurt whoever uses it."""
    assert folder_name(name, "1") == folder


@pytest.mark.parametrize(
    ("path", "clutter"),
    [
        ("__MACOSX", True),
        ("__MACOSX/a/._b", True),
        (".DS_Store", True),
        ("a/b/.DS_Store", True),
        ("a/__MACOSX", False),
        ("a/.DS_Store/b", False),
        ("a/._b", False),
    ],
)
def test_clutter(path: str, clutter: bool) -> None:
    """Only what macOS's own zips add is dropped."""
    assert is_clutter(path) is clutter


def test_parents() -> None:
    """All folders on the way, the uppermost first, and not the path itself."""
    assert parents("a/b/c") == ["a", "a/b"]
