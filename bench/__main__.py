"""`python -m bench`: measure, print one table, and keep it with its figures and plots in bench/results."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench.machine import describe
from bench.parts import creates, files, network, sandboxes
from bench.parts.base import Part, Sizes
from bench.report import Report
from bench.rounds import Measured
from bench.scale.figures import Outcome
from bench.scale.run import FULL, measure_all

RESULTS = Path(__file__).parent / "results"

PARTS: Mapping[str, Part] = {
    "sandboxes": sandboxes.measure,
    "files": files.measure,
    "creates": creates.measure,
    "network": network.measure,
}
SCALE = "scale"


def main() -> None:
    """Measure everything, or the parts that are asked for."""
    asked = _arguments()
    began = datetime.now(UTC)
    machine = describe()
    with tempfile.TemporaryDirectory(prefix="sandlot-bench-") as made:
        measured = list(_measured(asked, Path(made)))
        outcomes = list(_outcomes(asked, Path(made)))
    report = Report(began, machine, measured, outcomes)
    print(report.markdown())
    report.write(asked.results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure Sandlot, and what one would use instead."
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}, {SCALE} (all)")
    parser.add_argument("--runs", type=int, help="runs of each benchmark (each has a number of its own)")
    parser.add_argument("--megabytes", type=int, default=100, help="size of the large file (100)")
    parser.add_argument("--requests", type=int, default=1000, help="requests on one connection (1000)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where table, figures and plots are kept")
    asked = parser.parse_args()
    if unknown := {*asked.parts} - {*PARTS, SCALE}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    asked.parts = asked.parts or [*PARTS, SCALE]
    return asked


def _measured(asked: argparse.Namespace, folder: Path) -> Iterator[Measured]:
    """What contestants did against each other."""
    sizes = Sizes(asked.runs, asked.megabytes, asked.requests)
    for name, measure in PARTS.items():
        if name in asked.parts:
            own = folder / name
            own.mkdir()
            yield from measure(sizes, own)


def _outcomes(asked: argparse.Namespace, folder: Path) -> Iterator[Outcome]:
    """What there is with many at a time."""
    if SCALE in asked.parts:
        yield from measure_all(FULL, folder)


if __name__ == "__main__":
    main()
