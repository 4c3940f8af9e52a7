"""When the sandbox image is built. What is in it is what tests/security looks at."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.service import ROOT

DOCKER = """\
#!/bin/sh
case "$1 $2" in
    "build "* | "image rm") echo "$@" >>"$ASKED" ;;
    *) exec {docker} "$@" ;;
esac
"""


@pytest.mark.parametrize(("arguments", "built"), [([], False), (["--no-cache"], True)])
def test_built_when_asked(tmp_path: Path, arguments: list[str], built: bool) -> None:
    """An image that is up to date is left alone, and built anew when that is asked for, as Docker is told to."""
    program, asked = tmp_path / "docker", tmp_path / "asked"
    program.write_text(DOCKER.format(docker=shutil.which("docker")))
    program.chmod(0o755)
    asked.touch()
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "ASKED": str(asked)}
    subprocess.run([ROOT / "images" / "build", *arguments], env=environment, check=True, timeout=60)
    builds = [line for line in asked.read_text().splitlines() if line.startswith("build")]
    assert ["--no-cache" in build for build in builds] == ([True] if built else [])
