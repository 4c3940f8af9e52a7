"""How the agent gets into a sandbox."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path

from tests.runtime.link.agents import process_agent
from tests.runtime.link.box import linked

ROOT = Path(__file__).parents[3]


async def test_another_version_of_python() -> None:
    """What was compiled is for one version of Python; where a sandbox has another one, the agent runs as well."""
    async with process_agent(altered=_for_another_version) as agent, linked(agent) as box:
        assert await box.run("echo yes") == "yes\n"


def _for_another_version(bundle: bytes) -> bytes:
    """The bundle as a service whose Python is of another version would send it."""
    program, compiled, sources = _parts(bundle)
    altered = program.replace(repr(MAGIC_NUMBER).encode(), b"b'another'")
    assert altered != program
    return b"".join(b"%08x" % len(part) + part for part in (altered, bytes(len(compiled)), sources))


def _parts(bundle: bytes) -> list[bytes]:
    """What is in a bundle: each part comes after its length in 8 hex digits."""
    parts = []
    while bundle:
        end = 8 + int(bundle[:8], 16)
        parts.append(bundle[8:end])
        bundle = bundle[end:]
    return parts


def test_what_no_agent_has_a_use_for() -> None:
    """An agent doesn't load `typing`, which would take each sandbox half a megabyte, and a tenth of its start."""
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import runtime.agent.main, runtime.agent.network\n"
        "sys.exit('typing' in sys.modules)"
    )
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True)
