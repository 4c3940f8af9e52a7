"""What is fuzzed holds on its seeds, and on whatever is found in some seconds by following the code's branches."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import NAMES, target

pytestmark = pytest.mark.fuzz

STUCK_SECONDS = 10
START_SECONDS = 120.0


@pytest.mark.parametrize("name", NAMES)
def test_seeds(name: str) -> None:
    """What the fuzzer begins with."""
    for seed in target(name).SEEDS:
        target(name).check(seed)


@pytest.mark.parametrize("name", NAMES)
def test_fuzz(name: str, fuzz_seconds: float, tmp_path: Path) -> None:
    """Nothing fails, takes ever longer, or fills the memory."""
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    for number, seed in enumerate(target(name).SEEDS):
        (inputs / f"seed{number}").write_bytes(seed)
    options = [f"-max_total_time={fuzz_seconds:.0f}", f"-timeout={STUCK_SECONDS}", "-rss_limit_mb=1024"]
    command = [sys.executable, "-m", "tests.fuzz.run", name, *options, f"-artifact_prefix={tmp_path}/", str(inputs)]
    fuzzing = subprocess.run(
        command, stderr=subprocess.PIPE, text=True, check=False, timeout=fuzz_seconds + START_SECONDS
    )
    found = [file.read_bytes() for file in tmp_path.iterdir() if file.is_file()]
    assert fuzzing.returncode == 0, f"{fuzzing.stderr[-3000:]}\n{found}"
