"""Suites over the GPU's stacks, from the command line to the ledgers, in Triton's interpreter."""

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest

from benchmark.cli.main import main
from benchmark.storage.ledger_format import partial_path, read_ledger
from objectives.classification import base
from objectives.stacks import route
from objectives.training import data
from objectives.training.data import DataSet
from tests.objectives.stacks.gpu.trials import excerpt

pytestmark = pytest.mark.slow  # Interpreted kernels take seconds.

SUITE = """
seed = 1
repetitions = 1
clock = "modelled"
calibration = "epyc"
device = "cpu"
budget.trials = {trials}
objectives.net = {{ name = "{name}", data = "digits", epochs = 2 }}
algorithms.random.searcher = "random"
algorithms.halving = {{ scheduler = {{ name = "successive_halving", eta = 2 }}, searcher = "random" }}
"""
MEASURED = ("train_seconds", "paid_seconds", "decide_seconds")


@contextmanager
def gpu_here(name):
    """A process in which the CPU has the GPU's stacks, and "digits" are a few of them."""
    split = excerpt(name)
    few = DataSet(
        develop=type(split.train)(
            x=split.train.x.new_tensor([*split.train.x.tolist(), *split.valid.x.tolist()]),
            y=split.train.y.new_tensor([*split.train.y.tolist(), *split.valid.y.tolist()]),
        ),
        test=split.test,
        valid_size=len(split.valid),
        checksums={"digits": "0" * 64},
    )
    caches = (data._load, data._splits, base._warm_up)
    from objectives.stacks.gpu import plan  # Imports Triton, which must know by then that it interprets.

    with (
        mock.patch.object(plan, "CAPACITY", {(name, "digits"): 3}),
        mock.patch.dict(data.LOADERS, {"digits": lambda folder: few}),
        mock.patch.object(base, "choose_route", route._gpu),
        mock.patch.object(base, "_warm_up"),
        tempfile.TemporaryDirectory() as folder,
    ):
        for cache in caches:
            cache.cache_clear()
        yield Path(folder)
    for cache in caches:
        cache.cache_clear()


def command(verb, folder, results, *options):
    return main([verb, str(folder / "tiny.toml"), "--results", str(folder / results), "--jobs", "1", *options])


def ledgers(results):
    """What was recorded but for measured times, by run."""
    paths = sorted(results.rglob("*.jsonl"))
    return {
        path.relative_to(results): [
            {name: value for name, value in record.items() if name not in MEASURED}
            for record in read_ledger(path).records
            if record["kind"] == "evaluation"
        ]
        for path in paths
    }


def cut(results, whole, kept):
    """Leave the first records of every ledger, as a kill does."""
    shutil.copytree(whole, results)
    for path in sorted(results.rglob("*.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        partial_path(path).write_bytes(b"".join(lines[:kept]))
        path.unlink()


@pytest.mark.parametrize(("name", "trials"), [("softmax", 2), ("lenet", 1), ("dropout_mlp", 2)])
def test_a_suite_is_the_same_at_every_stack_and_after_a_kill(name, trials):
    """Stacks of 1, 2 and 7 slots write equal ledgers, a suite goes on from a cut one, and an audit finds equal bits."""
    with gpu_here(name) as folder:
        (folder / "tiny.toml").write_text(SUITE.format(name=name, trials=trials))
        for size in ("1", "2", "7"):
            assert command("run", folder, size, "--stack", size, "--quiet") == 0
        whole = ledgers(folder / "1")
        assert len(whole) == 2
        assert all(records and {record["state"] for record in records} == {"ok"} for records in whole.values())
        assert ledgers(folder / "2") == ledgers(folder / "7") == whole
        [path, *_] = sorted((folder / "1").rglob("*.jsonl"))
        assert read_ledger(path).records[0]["environment"]["arithmetic"] == "triton-ieee"

        cut(folder / "cut", folder / "7", trials + 1)
        assert command("run", folder, "cut", "--stack", "2", "--quiet") == 0
        assert ledgers(folder / "cut") == whole
        assert command("audit", folder, "1") == 0
