"""Callers' file names, made safe."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.names import MAX_BYTES, safe_name

filenames = st.one_of(
    st.text(st.characters()),
    st.text("./\\ \0\n\ud800aé😀", max_size=12),
    st.builds(lambda text, times, end: text * times + end, st.text(min_size=1), st.integers(1, 300), st.text()),
)


@given(filenames)
def test_always_a_name(filename: str) -> None:
    """Whatever is sent becomes one name that a file system takes, and that can be printed."""
    name = safe_name(filename)
    assert 0 < len(name.encode()) <= MAX_BYTES
    assert name not in (".", "..")
    assert not set(name) & {"/", "\\", *map(chr, range(32)), "\x7f"}


@given(st.text("abcXYZ012 ._-éß日😀'\"$&;|<>*?()[]{}~#%=+,@!^`:", min_size=1, max_size=50))
def test_harmless_names_stay(filename: str) -> None:
    """A name that can be a file's stays as it is, spaces around it aside."""
    assert safe_name(filename) == (filename.strip() if filename.strip() not in ("", ".", "..") else "file")


@given(st.text("aé日😀", min_size=200, max_size=400), st.sampled_from([".csv", ".tar.gz", ".é", ""]))
def test_long_names_keep_their_extension(stem: str, extension: str) -> None:
    """A long name loses the end of its stem, by whole characters."""
    name = safe_name(stem + extension)
    assert name.endswith(os.path.splitext(extension)[1] or extension)
    assert (stem + extension).startswith(os.path.splitext(name)[0])
    assert len(name.encode()) > MAX_BYTES - 4 or name == stem + extension


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("report.csv", "report.csv"),
        ("/etc/passwd", "passwd"),
        ("../../up.txt", "up.txt"),
        ("C:\\Users\\me\\table.xlsx", "table.xlsx"),
        ("folder/", "file"),
        ("..", "file"),
        ("", "file"),
        (" a b ", "a b"),
        ("a\nb\0c\x7f", "a_b_c_"),
        ("\ud800.txt", "_.txt"),
        (".bashrc", ".bashrc"),
        ("...", "..."),
        ("x." + "y" * 400, "x." + "y" * 253),
    ],
)
def test_examples(filename: str, name: str) -> None:
    """Only the last part of a path, and only what can't be in a name is changed."""
    assert safe_name(filename) == name
