from __future__ import annotations

from pathlib import Path

import pytest

from api.data_dir import DataDirError, hold, write_secret


def test_one_at_a_time(tmp_path: Path) -> None:
    """While one holds a data directory nobody else can; afterwards anybody can."""
    path = tmp_path / "new"
    with hold(path), pytest.raises(DataDirError, match="Another Sandlot is running"), hold(path):
        pass
    with hold(path):
        pass
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_not_a_directory(tmp_path: Path) -> None:
    """A path that cannot be a directory is said to be that."""
    (tmp_path / "file").touch()
    with pytest.raises(DataDirError, match="cannot be used"), hold(tmp_path / "file"):
        pass


def test_secret(tmp_path: Path) -> None:
    """A secret's file is its owner's alone, and replaces an older one whole."""
    path = tmp_path / "key"
    for text in ("first", "second"):
        write_secret(path, text)
        assert path.read_text() == f"{text}\n"
        assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
