"""Programs in `tests/node`, as tests run them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.service import ROOT

FOLDER = ROOT / "tests" / "node"


def node() -> str:
    """The program: that of the virtual environment, where there is one; PATH has the other."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    found = shutil.which("node", path=places)
    assert found, "There is no Node: run `make test`, which installs it."
    return found


def run_node(program: str, environment: Mapping[str, str] | None = None) -> str:
    """What a program writes that has to end well. `environment` comes on top of the tests' own."""
    ended = subprocess.run(
        [node(), FOLDER / program],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
