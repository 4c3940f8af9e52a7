from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.service import ROOT, Service

SUITE = ROOT / "tests" / "node" / "conformance.mjs"


def test_the_node_client_gets_the_same(service: Service, crowd: list[str]) -> None:
    """The official Node client: the main job from create to delete, and 250 records page by page."""
    # The node of the virtual environment, where there is one; PATH has the other.
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    node = shutil.which("node", path=places)
    assert node, "There is no Node: run `make test`, which installs it."
    environment = {**os.environ, "OPENAI_BASE_URL": service.base_url, "OPENAI_API_KEY": service.api_key}
    ended = subprocess.run(
        [node, SUITE], env={**environment, "CROWD": " ".join(crowd)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
