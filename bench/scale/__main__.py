"""`python -m bench.scale`: these benchmarks alone, and their table."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench.scale.run import FULL, SMALL, measure_all
from bench.table import markdown


def main() -> None:
    """Measure what is at scale: all of it, or what is asked for by a part of its name."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description="Measure Sandlot with many at a time.")
    parser.add_argument("--small", action="store_true", help="with few, to see that it works")
    parser.add_argument("name", nargs="?", default="", help="a part of the names of benchmarks")
    asked = parser.parse_args()
    wanted = [benchmark for benchmark in (SMALL if asked.small else FULL) if asked.name in benchmark.name]
    with tempfile.TemporaryDirectory(prefix="sandlot-bench-") as folder:
        print(markdown([], measure_all(wanted, Path(folder))))


if __name__ == "__main__":
    main()
