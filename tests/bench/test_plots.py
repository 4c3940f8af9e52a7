"""How figures become pictures."""

from __future__ import annotations

import struct
from pathlib import Path

from bench.benchmarks.first_output import FirstOutput
from bench.percentiles import Percentiles
from bench.plots import draw_distributions, draw_growth
from bench.rounds import Measured
from bench.scale.figures import Plot

MEASURED = Measured(FirstOutput("create", 2), {"Sandlot": [0.01, 0.02], "docker CLI": [0.3, 0.4]})
PLOT = Plot(
    "create", "live sandboxes", {"Sandlot": {1: Percentiles(0.01, 0.02, 0.03), 200: Percentiles(0.02, 0.03, 0.04)}}
)


def test_every_benchmark_has_a_panel(tmp_path: Path) -> None:
    """Two panels are one row, three are two; that of one run alone is drawn as well."""
    file = tmp_path / "distributions.png"
    sizes = []
    for panels in ([MEASURED] * 2, [MEASURED, MEASURED, Measured(MEASURED.benchmark, {"Sandlot": [0.01]})]):
        draw_distributions(panels, file)
        sizes.append(_size(file))
    assert sizes[0][0] == sizes[1][0]
    assert sizes[0][1] * 2 == sizes[1][1]


def test_growth_is_drawn(tmp_path: Path) -> None:
    """Lines against a number of sandboxes become a picture."""
    file = tmp_path / "growth.png"
    draw_growth([PLOT], file)
    assert min(_size(file)) > 0


def _size(png: Path) -> tuple[int, int]:
    """Width and height, as the file's header has them."""
    content = png.read_bytes()
    assert content.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", content[16:24])
    return width, height
