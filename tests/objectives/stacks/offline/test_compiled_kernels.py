"""The kernels as compiled for sm_90, without a GPU, beside the published table."""

import importlib.util
import json
import os
import subprocess
import sys
from itertools import product

import pytest

from objectives.objective import PRECISIONS
from tests import ROOT
from tests.perf.gpu.offline.compilation import NETWORKS
from tests.perf.gpu.offline.kernel_profile import Profile
from tests.perf.gpu.offline.table import read_table

PUBLISHED = ROOT / "results" / "reference" / "gpu" / "kernels.json"
MORE_INSTRUCTIONS, MORE_WAVEFRONTS = 1.1, 1.25
"""Than the published figures: another Triton schedules and lays out a little differently."""
KERNELS = ("block1_weights", "block2_forward", "dense_inputs layer 1", "dense_update layer 1")
"""Compiled here, of two networks: those with most of the work, and few enough to be cheap."""


def compile_kernels(folder) -> list[Profile]:
    """The table of the kernels, by the command: in a process of its own, which does not interpret."""
    command = ["compile", "--networks", "lenet", "dropout_mlp", "--precisions", "bf16x6", "--only", *KERNELS]
    run = subprocess.run(
        [sys.executable, "-m", "tests.perf.gpu", *command, "--out", str(folder)],
        cwd=ROOT,
        env={**os.environ, "TRITON_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return read_table(folder / "kernels.json")


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton, which brings ptxas, is not here")
def test_kernels_are_no_worse_than_published(tmp_path):
    """No kernel spills; a turn's instructions and wavefronts are those of the published table, within margins."""
    published = {(row.network, row.precision, row.kernel): row.main for row in read_table(PUBLISHED)}
    rows = compile_kernels(tmp_path)

    assert {row.network for row in rows} == {"lenet", "dropout_mlp"}
    assert len(rows) == 7
    for row in rows:
        limit = published[row.network, row.precision, row.kernel]
        assert (row.spills, row.stack, row.main.underived) == (0, 0, 0), row.kernel
        assert row.main.issue <= MORE_INSTRUCTIONS * limit.issue, row.kernel
        assert row.main.wavefronts <= MORE_WAVEFRONTS * limit.wavefronts, row.kernel


def test_published_kernels_do_not_spill():
    """In any network and precision; in a device's defaults all wavefronts of shared memory have been derived."""
    rows = read_table(PUBLISHED)

    assert {(row.network, row.precision) for row in rows} == set(product(NETWORKS, PRECISIONS))
    assert {(row.spills, row.stack) for row in rows} == {(0, 0)}
    defaults = [row for row in rows if row.precision in ("ieee", "bf16x6")]
    assert not [row for row in defaults if any(part.underived for part in [row.straight, *row.loops])]
    assert json.loads(PUBLISHED.read_text())["architecture"] == "sm_90"
