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


def run_node(program: str, environment: Mapping[str, str] | None = None) -> str:
    """What a program writes that has to end well. `environment` comes on top of the tests' own."""
    # The node of the virtual environment, where there is one; PATH has the other.
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    node = shutil.which("node", path=places)
    assert node, "There is no Node: run `make test`, which installs it."
    ended = subprocess.run(
        [node, FOLDER / program], env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
