"""What a benchmark may have measured."""

from __future__ import annotations

from bench.benchmarks.first_output import FirstOutput
from bench.goals import AtMost
from bench.rounds import Measured

MEASURED = Measured(FirstOutput("create", 2, [AtMost(0.02)]), {"Sandlot": [0.01, 0.01], "docker CLI": [0.4, 0.4]})
