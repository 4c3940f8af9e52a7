"""A run of the benchmark in which a part fails."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench.parts.base import Sizes
from bench.rounds import Measured
from tests.bench.measurements import MEASURED


def broken(sizes: Sizes, folder: Path) -> Sequence[Measured]:
    """A part that comes to no end."""
    raise OSError("No space left.")


def sound(sizes: Sizes, folder: Path) -> Sequence[Measured]:
    """A part that measures something."""
    return [MEASURED]


def test_a_part_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The others' figures are kept, with what went wrong, and the exit code tells."""
    monkeypatch.setattr(bench, "PARTS", {"broken": broken, "sound": sound})
    monkeypatch.setattr(sys, "argv", ["bench", "broken", "sound", "--results", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        bench.main()
    assert ended.value.code == 1
    (kept,) = tmp_path.glob("*.md")
    assert "| create | Sandlot |" in kept.read_text()
    assert "The part broken failed: OSError: No space left." in kept.read_text()
    assert kept.read_text() in capsys.readouterr().out
