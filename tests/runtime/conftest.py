"""How long tests with random input look for faults: briefly by default, longer when they are asked to.

`SANDLOT_FUZZ_SECONDS` is for the fuzzers, `--hypothesis-profile=fuzz` for the property tests.
"""

from __future__ import annotations

import os

import hypothesis
import pytest

hypothesis.settings.register_profile("default", deadline=None, max_examples=100)
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=2_000)
hypothesis.settings.load_profile("default")


@pytest.fixture(scope="session")
def fuzz_seconds() -> float:
    """How long one fuzzer runs."""
    return float(os.environ.get("SANDLOT_FUZZ_SECONDS", "2"))
