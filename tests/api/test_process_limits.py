"""What the service's process may do."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import resource
from api.cli.process_limits import allow_open_files
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (100, most))
allow_open_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most))
"""


def test_a_low_limit_is_raised() -> None:
    """Whatever the shell's limit is, the service has the system's."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout == "True\n"
