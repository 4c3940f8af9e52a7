"""Fuzzes one target in a process of its own: libFuzzer never returns.

    python -m tests.fuzz.run TARGET [OPTION OF LIBFUZZER]... [FOLDER OF INPUTS]

Exit code 0 means that nothing was found in the time given by -max_total_time.
"""

from __future__ import annotations

import sys

import atheris

from tests.fuzz.targets import target

INSTRUMENTED = ["runtime.egress", "idna", "h11"]


def main(program: str, name: str, *options: str) -> None:
    """Let libFuzzer look for inputs on which the target's check fails."""
    with atheris.instrument_imports(include=INSTRUMENTED):
        check = target(name).check
    atheris.Setup([program, *options], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv)
