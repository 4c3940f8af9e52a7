"""`python -m bench`: measure, print one table, and keep it with its figures and plots in bench/results."""

from __future__ import annotations

import argparse
import sys
import tempfile
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench.machine import describe
from bench.parts import creates, files, network, sandboxes
from bench.parts.base import Part, Sizes
from bench.report import Report
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
    """Measure everything, or the parts that are asked for. The exit code is 1 when something has failed."""
    asked = _arguments()
    report = Report(datetime.now(UTC), describe(), [])
    with tempfile.TemporaryDirectory(prefix="sandlot-bench-") as made:
        for part in asked.parts:
            try:
                _measure(part, asked, Path(made), report)
            except Exception as error:  # noqa: BLE001 - what the other parts take minutes for isn't to be lost with it
                traceback.print_exc()
                report.failures[part] = f"{type(error).__name__}: {error}".splitlines()[0]
            report.write(asked.results)
    print(report.markdown())
    if report.failures or any(measured.failures for measured in report.measured):
        sys.exit(1)


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
    asked.parts = [part for part in (*PARTS, SCALE) if part in asked.parts or not asked.parts]
    return asked


def _measure(part: str, asked: argparse.Namespace, folder: Path, report: Report) -> None:
    """Add what a part gives to the report."""
    if part == SCALE:
        for outcome in measure_all(FULL, folder):
            report.outcomes.append(outcome)
    else:
        own = folder / part
        own.mkdir()
        report.measured.extend(PARTS[part](Sizes(asked.runs, asked.megabytes, asked.requests), own))


if __name__ == "__main__":
    main()
