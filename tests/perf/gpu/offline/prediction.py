"""Predicts the seconds of 2000 trials on one GPU from compiled kernels: `python -m tests.perf.gpu predict TABLE`.

TABLE is the kernels.json of `compile`; --before takes what was predicted of other kernels, to print both. Nothing of
this has been measured.
The model, with its assumptions:

* a stack trains the live trials of 2 algorithms x 50 repetitions, as many as it has slots for, each with a
  configuration drawn from the objective's space, on 50 000 images, and is evaluated on 2 x 10 000 every epoch;
* multiprocessors (132 at 1.755 GHz: an H100 or H200) reach a SHARE of what their busiest unit could do
  (`Segment.cycles`); between a half and 0.85 would be usual;
* a launch begins GAP seconds after the one before it has ended, and takes at least as long as one program alone;
* weights that do not fit the second cache are read three times and written once a step, beside the computations, at
  MEMORY bytes a second;
* deciding, admitting and writing ledgers overlap with training and cost nothing here.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from objectives.space import Config
from tests.perf.gpu.offline.compilation import NETWORKS, SIZES
from tests.perf.gpu.offline.cycle_model import Batch, cycles, lone_cycles
from tests.perf.gpu.offline.kernel_profile import Profile
from tests.perf.gpu.offline.table import read_table

TRIALS = 2000
LIVE = 100
MULTIPROCESSORS = 132
CLOCK = 1.755e9
SHARE = 0.7
GAP = 1.5e-6
MEMORY = 4.3e12
CACHE = 50e6
SPEED = MULTIPROCESSORS * CLOCK * SHARE
SAMPLES = 1000
GOALS = {"softmax": 20.0, "lenet": 270.0, "dropout_mlp": 500.0}
"""Seconds of 2000 trials at float32's accuracy."""
TIGHT_STEP = {"softmax": 120e-6, "lenet": 450e-6, "dropout_mlp": 220e-6}
"""Seconds of a step of the tight loop on such a GPU: an assumption; the ratio to it follows."""
ONCE = ("_tagged_words", "count_not_finite")
"""Kernels that are launched once an epoch, beside those of an evaluation."""
RARE = ("advance_rows",)
"""Kernels that are launched once a graph of many steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Seconds of 2000 trials.

    Attributes:
        network: the objective's name.
        precision: of its products.
        seconds: all of it.
        training: of the steps' computations.
        waiting: of gaps between launches, and of launches that do not fill the GPU.
        evaluation: after every epoch.
        memory: that weights take to move, which overlaps with training; 0 where a step's weights stay in the cache.
        range: `seconds` if multiprocessors reached 0.85 and 0.5 of the ideal.
        ratio: of a tight loop's seconds to these.
        shares: of the kernels in a step's computations.
    """

    network: str
    precision: str
    seconds: float
    training: float
    waiting: float
    evaluation: float
    memory: float
    range: tuple[float, float]
    ratio: float
    shares: dict[str, float]


def main(arguments: list[str]) -> int:
    """Print, and write with --out; exit code 1 if the best of float32's accuracy misses a goal."""
    parser = argparse.ArgumentParser(
        prog="tests.perf.gpu predict", description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("table", type=Path, metavar="TABLE", help="kernels.json of `compile`")
    parser.add_argument("--before", type=Path, help="predictions.json of other kernels")
    parser.add_argument("--out", type=Path, help="folder of predictions.json")
    parsed = parser.parse_args(arguments)
    found = predict_all(read_table(parsed.table))
    before = json.loads(parsed.before.read_text())["after"] if parsed.before else []
    print(markdown(found, before))
    if parsed.out is not None:
        parsed.out.mkdir(parents=True, exist_ok=True)
        report = {"after": [asdict(x) for x in found], "before": before}
        (parsed.out / "predictions.json").write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    missed = {x.network: x.seconds for x in found if x.precision == "bf16x6" and x.seconds > GOALS[x.network]}
    for network, seconds in missed.items():
        print(f"{network}: {seconds:.0f} s predicted, more than {GOALS[network]:.0f} s", file=sys.stderr)
    return 1 if missed else 0


def predict_all(rows: Sequence[Profile]) -> list[Prediction]:
    """Predict every network and precision of a table."""
    from objectives.stacks.gpu.plan import CAPACITY  # Imports Triton.

    slots = {str(network): count for (network, data), count in CAPACITY.items() if data == "fashion_mnist"}
    keys = dict.fromkeys((row.network, row.precision) for row in rows if row.data == "fashion_mnist")
    return [
        predict(network, [row for row in rows if (row.network, row.precision) == (network, precision)], slots[network])
        for network, precision in keys
    ]


def predict(network: str, kernels: Sequence[Profile], slots: int) -> Prediction:
    """Predict the seconds of 2000 trials of one network from all its kernels in one precision."""
    objective = NETWORKS[network](data="fashion_mnist")  # type: ignore[abstract]
    rng = np.random.default_rng(0)
    configs = [objective.space.sample(rng) for _ in range(SAMPLES)]
    epochs = TRIALS * objective.max_epochs / SAMPLES
    live = min(LIVE, slots)
    steps = [kernel for kernel in kernels if _is_step(kernel)]
    batches = [part for config in configs for part in minibatches(objective, network, config)]
    count = sum(times for _, times in batches) * epochs
    busy = {k.kernel: sum(times * cycles(k, batch) for batch, times in batches) * epochs / SPEED for k in steps}
    moved = sum(times * 16 * _weights(batch.widths) for batch, times in batches) * epochs
    training, memory = sum(busy.values()), moved / MEMORY if moved / count * live > CACHE else 0.0
    waiting = epochs * sum(times * _wait(k, batch, live) for k in steps for batch, times in batches)
    evaluation = epochs * sum(_evaluation_cycles(kernels, widths_of(network, config)) for config in configs) / SPEED
    seconds, *bounds = (
        max(training * SHARE / share, memory) + waiting + evaluation * SHARE / share for share in (SHARE, 0.85, 0.5)
    )
    return Prediction(
        network=network,
        precision=kernels[0].precision,
        seconds=seconds,
        training=training,
        waiting=waiting,
        evaluation=evaluation,
        memory=memory,
        range=(bounds[0], bounds[1]),
        ratio=count * TIGHT_STEP[network] / seconds,
        shares={name: part / training for name, part in busy.items()},
    )


def minibatches(objective: Any, network: str, config: Config) -> list[tuple[Batch, int]]:
    """The minibatches of an epoch, and how many there are of each."""
    train, batch, widths = SIZES["fashion_mnist"][0], objective.batch_size(config), widths_of(network, config)
    counted = ((batch, train // batch), (train % batch, 1))
    return [(Batch(rows=rows, widths=widths), times) for rows, times in counted if rows]


def _weights(widths: Sequence[int]) -> int:
    return sum(inputs * outputs for inputs, outputs in pairwise(widths))


def _wait(kernel: Profile, batch: Batch, live: int) -> float:
    """A slot's part of the seconds of a launch that are no computation: the gap, and what one program takes longer."""
    return GAP / live + max(lone_cycles(kernel, batch) / CLOCK / live - cycles(kernel, batch) / SPEED, 0.0)


def _evaluation_cycles(kernels: Sequence[Profile], widths: Sequence[int]) -> float:
    """Cycles after an epoch: both sets through the network, a look for numbers that are not finite, the next order."""
    _, *images = SIZES["fashion_mnist"]
    total = 0.0
    for kernel in kernels:
        if not _is_step(kernel) and kernel.function not in RARE:
            runs = images if "evaluation" in kernel.kernel else [1]
            total += sum(cycles(kernel, Batch(rows=rows, widths=widths)) for rows in runs)
    return total


def _is_step(kernel: Profile) -> bool:
    return "evaluation" not in kernel.kernel and kernel.function not in (*ONCE, *RARE)


def widths_of(network: str, config: Config) -> list[int]:
    """Widths of a configuration's dense layers, from the input to the classes."""
    if network == "dropout_mlp":
        return [784, int(config["num_hiddens_1"]), int(config["num_hiddens_2"]), 10]
    return [784, 10] if network == "softmax" else [400, 120, 84, 10]


def markdown(found: Sequence[Prediction], before: Sequence[dict[str, Any]] = ()) -> str:
    """One line a network and precision."""
    old = {(x["network"], x["precision"]): x["seconds"] for x in before}
    lines = [
        "| network | precision | seconds of 2000 trials | at 85 % and 50 % | training | waiting | evaluation | memory"
        " | to a tight loop | before |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for x in found:
        earlier = old.get((x.network, x.precision))
        numbers = (x.training, x.waiting, x.evaluation, x.memory)
        lines.append(
            f"| {x.network} | {x.precision} | {x.seconds:.0f} | {x.range[0]:.0f} to {x.range[1]:.0f} | "
            + " | ".join(f"{number:.0f}" for number in numbers)
            + f" | {x.ratio:.0f} x | {'-' if earlier is None else f'{earlier:.0f}'} |"
        )
    return "\n".join(lines) + "\n"
