"""What must be the same to the bit, or never the same: floats, seeds, slots of a stack."""

from __future__ import annotations

import io
import itertools
import math
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from joblib import Parallel, delayed
from torch.nn import functional

from analysis.loading.records import read as analysis_read
from analysis.tables.basic import as_csv
from benchmark.reproducibility.environment import deterministic_arithmetic
from benchmark.reproducibility.seeding import seed_sequence, trial_seed
from benchmark.storage.ledger_format import FORMAT, encode_record, parse_ledger
from objectives import OBJECTIVES
from objectives.classification.base import ImageClassification
from objectives.objective import Machine
from objectives.training import counter_rng
from tests.objectives.stacks.functional.test_functional import Own, configurations, curves
from tests.objectives.stacks.trials import alone, through, trials
from tests.perf.reliability.row import Found, Row

# Floats.

SPECIAL = (0.0, -0.0, 5e-324, -5e-324, sys.float_info.min, sys.float_info.max, -sys.float_info.max, 0.1, 1 / 3)
A_RECORD = 20_000


def floats(folder: Path, quick: bool) -> Found:
    """Random bit patterns through the ledger, its two readers, and the tables."""
    count = 10_000 if quick else 1_000_000
    drawn = np.random.default_rng(1).integers(0, 2**64, count + count // 500, dtype=np.uint64).view(np.float64)
    finite = np.concatenate([SPECIAL, drawn[np.isfinite(drawn)]])[:count]
    subnormal = int((np.abs(finite) < sys.float_info.min).sum())
    lines, crc = [], 0
    for record in _records(finite):
        line, crc = encode_record(record, crc)
        lines.append(line)
    data, path = b"".join(lines), folder / "000.jsonl.part"
    readers = {"ledger": parse_ledger(path, data).records, "analysis": analysis_read(path, data, complete=False)}
    differ = {name: _differing(finite, [v for r in found[1:] for v in r["values"]]) for name, found in readers.items()}
    everything = np.concatenate([finite, [math.inf, -math.inf]])
    text = as_csv({"floats": pd.DataFrame({"value": everything})})["floats.csv"]
    differ["tables"] = _differing(everything, pd.read_csv(io.BytesIO(text))["value"])
    return {"floats": len(finite), "subnormal": subnormal, "differ": differ}


def _records(values: np.ndarray) -> Iterator[dict[str, Any]]:
    yield {"kind": "header", "format": FORMAT}
    for first in range(0, len(values), A_RECORD):
        yield {"kind": "resumed", "values": values[first : first + A_RECORD].tolist()}


def _differing(values: np.ndarray, found: Any) -> int:
    back = np.asarray(found, dtype=np.float64)
    return int((values.view(np.uint64) != back.view(np.uint64)).sum()) + abs(len(values) - len(back))


# Seeds.

SEEDS = (0, 1, 2**32, 2**63 - 1, 20240229)
PURPOSES = ("search", "globals")
NAMES = tuple(f"name-{number}" for number in range(10))


def seeds(folder: Path, quick: bool) -> Found:
    """Streams of a million combinations, and the counter-based keys of a million folds of trials."""
    repetitions = 1 if quick else 10
    blocks = [(seed, name) for seed in SEEDS for name in NAMES]
    found: Found = {}
    for kind, work in {"streams": _streams, "keys": _keys}.items():
        parts = Parallel(n_jobs=2)(delayed(work)(seed, name, repetitions) for seed, name in blocks)
        words = np.concatenate(parts)
        distinct = len(np.unique(np.ascontiguousarray(words).view(f"V{words.itemsize * words.shape[1]}")))
        bits = 8 * words.itemsize * words.shape[1]
        found[kind] = {"made": len(words), "bits": bits, "collide": len(words) - distinct}
        print(f"  {kind}: {found[kind]}", file=sys.stderr, flush=True)
    return found


def _streams(seed: int, objective: str, repetitions: int) -> np.ndarray:
    """128 bits of the streams of one suite seed and objective."""
    rest = itertools.product(PURPOSES, NAMES, range(repetitions), range(100))
    made = (
        seed_sequence(seed, purpose, objective, algorithm, number, trial) for purpose, algorithm, number, trial in rest
    )
    return np.array([one.generate_state(4) for one in made])


def _keys(seed: int, objective: str, repetitions: int) -> np.ndarray:
    """Philox keys, 128 bits, of two folds of the trials of one suite seed and objective."""
    rest = itertools.product(range(repetitions), range(1000))
    made = (trial_seed(seed, objective, number, {"x": trial / 1000}) for number, trial in rest)
    return np.array([counter_rng.trial_key(one, fold) for one in made for fold in (0, 1)])


# Slots.

KEY = np.array([8, 9], dtype=np.uint64)
SHAPES = tuple(itertools.product((1, 2, 3, 8, 32, 64), (16, 13, 9, 7, 1), (64, 784)))
ODD = ("7-5-13-3", "100-7", "1-9-1", "odd", "branching")
EPOCHS = 2


def slots(folder: Path, quick: bool) -> Found:
    """Products of stacks against single ones, and whole trainings in stacks against trainings alone."""
    shapes = SHAPES[::10] if quick else [*SHAPES, *_random_shapes(60)]
    with deterministic_arithmetic("cpu"):
        differing = [shape for shape in shapes if not _single_products(*shape)]
        networks = [name for name, kind in OBJECTIVES.items() if issubclass(kind, ImageClassification)]
        trained = {name: _stacked(name, 3 if quick else 12) for name in networks[: 1 if quick else None]}
        trained |= {f"functional {kind}": _functional(kind) for kind in ODD[: 1 if quick else None]}
    return {
        "capability": torch.backends.cpu.get_cpu_capability(),
        "shapes": len(shapes),
        "shapes_differing": len(differing),
        "trainings": sum(len(found) for found in trained.values()),
        "trainings_differing": sum(found.count(False) for found in trained.values()),
        "networks": {name: len(found) for name, found in trained.items()},
    }


def _random_shapes(count: int) -> Iterator[tuple[int, int, int]]:
    rng = np.random.default_rng(6)
    for _ in range(count):
        yield int(rng.integers(2, 65)), int(rng.integers(1, 17)), int(rng.choice((64, 784)))


def _single_products(size: int, count: int, pixels: int) -> bool:
    """Whether the softmax route's products in a stack of `size` have the bits that they have alone."""
    x = torch.from_numpy(counter_rng.uniform(KEY, 0, size * count * pixels)).view(size, count, pixels)
    weight = torch.from_numpy(counter_rng.uniform(KEY, 1, size * 10 * pixels)).view(size, 10, pixels) - 0.5
    bias = torch.from_numpy(counter_rng.uniform(KEY, 2, size * 10)).view(size, 1, 10)
    logits = torch.baddbmm(bias, x, weight.transpose(1, 2))
    gradient = logits - logits.mean(2, keepdim=True)
    slope, sums = torch.bmm(gradient.transpose(1, 2), x), gradient.sum(1)
    return all(
        torch.equal(functional.linear(x[slot].clone(), weight[slot].clone(), bias[slot, 0].clone()), logits[slot])
        and torch.equal(gradient[slot].clone().t().mm(x[slot].clone()), slope[slot])
        and torch.equal(gradient[slot].clone().sum(0), sums[slot])
        for slot in range(size)
    )


def _stacked(name: str, count: int) -> list[bool]:
    """Whether each trial has, in a stack of seven with others and pauses, the epochs that it has alone."""
    print(f"  {name}", file=sys.stderr, flush=True)
    objective = OBJECTIVES[name](epochs=EPOCHS)  # type: ignore[call-arg]
    queue = trials(objective, count, seed=5)
    given = [objective.stack(Machine(), capacity) for capacity in (7, 2)]
    found = through(given, queue, EPOCHS, pauses=np.random.default_rng(0))
    expected = alone(objective.train, queue, EPOCHS)
    return [found[trial.number] == expected[trial.number] for trial in queue]


def _functional(kind: str) -> list[bool]:
    """Whether each trial has, in a stack with the others, the epochs and weights that it has in one of its own."""
    print(f"  functional {kind}", file=sys.stderr, flush=True)
    configs = list(islice(configurations(kind, 9), 9))
    single, weights = curves(Own(kind=kind), configs, capacity=1)
    beside, others = curves(Own(kind=kind), configs, capacity=9)
    return [single[number] == beside[number] and _same(weights.get(number), others.get(number)) for number in range(9)]


def _same(one: Any, other: Any) -> bool:
    """Equal weights to the bit; neither is there where the trial diverged."""
    if one is None or other is None:
        return one is other
    pairs: Sequence[tuple[torch.Tensor, torch.Tensor]] = list(zip(one.weights, other.weights, strict=True))
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


ROWS = {
    "floats": Row(
        figure="floats of 10^6 random bit patterns that come back as others: ledger, analysis, tables",
        target="0",
        measure=floats,
        met=lambda found: not any(found["differ"].values()),
    ),
    "seeds": Row(
        figure="collisions over 10^6 (suite seed, purpose, objective, algorithm, repetition, trial); of 10^6 keys",
        target="0",
        measure=seeds,
        met=lambda found: not any(kind["collide"] for kind in found.values()),
    ),
    "slots": Row(
        figure="slots of a stack that differ from a single one: 100 or more shapes, 20 or more trainings",
        target="0; 0",
        measure=slots,
        met=lambda found: found["shapes_differing"] == found["trainings_differing"] == 0,
    ),
}
