"""What was measured, as pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from bench.rounds import Measured
from bench.scale.figures import Plot

T = TypeVar("T")

COLUMNS = 2
PANEL_INCHES = (8.0, 3.6)
COLOURS = 10
STYLES = ("-", "--", ":")  # there are more contestants than colours that one tells apart


def draw_distributions(measured: Sequence[Measured], file: Path) -> None:
    """For each benchmark, by contestant: the share of runs that took no longer than a time."""
    names = dict.fromkeys(name for one in measured for name in one.seconds)
    _draw(measured, partial(_distribution, _looks([*names])), file)


def draw_growth(plots: Sequence[Plot], file: Path) -> None:
    """Medians against how many there are, and up to p95 as a shade above them."""
    _draw(plots, _growth, file)


def _draw(things: Sequence[T], draw: Callable[[Axes, T], None], file: Path) -> None:
    """A panel for each thing, in one PNG."""
    rows = math.ceil(len(things) / COLUMNS)
    width, height = PANEL_INCHES
    figure = Figure(figsize=(COLUMNS * width, rows * height), layout="constrained")
    panels = figure.subplots(rows, COLUMNS, squeeze=False).flatten()
    for panel, thing in zip(panels, things, strict=False):
        draw(panel, thing)
        panel.grid(visible=True, which="major", alpha=0.3)
        panel.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_formatter("{x:g}")
            if axis.get_scale() == "log":
                axis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.5)))
    for panel in panels[len(things) :]:
        panel.remove()
    figure.savefig(file)


def _looks(names: Sequence[str]) -> Mapping[str, tuple[str, str]]:
    """Colour and style of a line, by whose it is: the same in all panels."""
    return {
        name: (f"C{number % COLOURS}", STYLES[number // COLOURS % len(STYLES)]) for number, name in enumerate(names)
    }


def _distribution(looks: Mapping[str, tuple[str, str]], panel: Axes, measured: Measured) -> None:
    for name, seconds in measured.seconds.items():
        colour, style = looks[name]
        panel.ecdf([second * 1000 for second in seconds], label=name, color=colour, linestyle=style)
    panel.set(title=measured.benchmark.name, xscale="log", xlabel="ms", ylabel="share of runs")


def _growth(panel: Axes, plot: Plot) -> None:
    for name, points in plot.lines.items():
        counts = sorted(points)
        medians = [points[count].p50 * 1000 for count in counts]
        (line,) = panel.plot(counts, medians, marker="o", label=name)
        panel.fill_between(
            counts, medians, [points[count].p95 * 1000 for count in counts], alpha=0.15, color=line.get_color()
        )
    panel.set(title=plot.title, xscale="log", xlabel=plot.along, yscale="log", ylabel="ms, p50 up to p95")
