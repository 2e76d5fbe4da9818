"""The script of GPU measurements and the session on a device, as far as they run without a GPU."""

import io
import json
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from itertools import islice
from pathlib import Path
from unittest import mock

import pytest

from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.stacks.gpu import plan
from objectives.stacks.gpu.stack import GpuStack
from tests.perf.gpu import bit_checks, measure
from tests.perf.gpu.bench import Bench, floors, whole_comparison
from tests.perf.gpu.parts import work_of
from tests.perf.gpu.session import schedule
from tests.perf.gpu.session.steps import Step
from tests.perf.gpu.session.verdict import compares, differences
from tests.perf.gpu.sizes import SIZES

PLANTED = """
import sys
from tests.perf.gpu.session.verdict import leave_checks
sys.exit(leave_checks({"checks": {"2 slots": {"equal": 1, "of": 2, "first_difference": "trial 1, epoch 1"}}}))
"""


def test_without_cuda_it_refuses():
    """Exit code 2, one line, nothing written."""
    message, without = io.StringIO(), mock.patch.object(measure, "describe_machine", return_value={"device": None})
    with tempfile.TemporaryDirectory() as folder, without, redirect_stderr(message):
        assert measure.main(["--out", f"{folder}/new"]) == 2
        assert not Path(folder, "new").exists()
    assert message.getvalue().count("\n") == 1
    assert "no CUDA device" in message.getvalue()


def test_admission_is_counted_once_a_trial():
    """Four trials of 10 epochs: 1 s of admission each, 2 s an epoch; a chain of 20 takes the steps of one lane."""
    of_ten = {"trials": 4, "once": 4.0, "rest": 8.0, "stack_steps": 16, "trial_steps": 8, "epochs": 10}
    found = whole_comparison(**of_ten)

    assert found["by_rate_s"] == 2000 * (1 + 10 * 2)
    assert found["by_chain_s"] == 20 * (1 + 10 * 8 * 0.5)
    assert whole_comparison(**of_ten | {"epochs": 20})["by_rate_s"] == 2000 * (1 + 20 * 2)


@pytest.mark.slow
def test_floors_are_those_of_the_images_that_are_trained():
    """Softmax regression: two products of 7840 an image of 50 000, one of 20 000, 60 TFLOP/s; 7850 weights, 3 times."""
    epochs, found = SoftmaxRegression(data="fashion_mnist").max_epochs, floors("softmax", samples=2)

    assert found["fp32_s"] == pytest.approx(2000 * epochs * 7840 * (2 * 50_000 + 20_000) * 2 / 60e12)
    steps = -(-50_000 // SoftmaxRegression(data="fashion_mnist").batch_size({}))
    assert found["weight_traffic_s"] == pytest.approx(2000 * epochs * steps * 7850 * 3 * 4 / 4.3e12)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["comparison/softmax/ieee", "rates/softmax/ieee", "price/softmax/ieee"])
def test_timed_parts_run_on_a_few_images(part):
    """They leave figures above 0; without a GPU these mean nothing."""
    found = work_of(part)(Bench(Machine(), SIZES["tiny"]))

    keys = {"comparison": "whole_s", "rates": "microseconds_a_step", "price": "slots"}
    assert found[keys[part.split("/")[0]]] > 0


@pytest.mark.slow
def test_a_stack_whose_slots_differ_is_found():
    """Bits are equal, weights near; planted: a learning rate of the slot's, which checks of two slots see."""

    def planted(stack, slot, module, key, learning_rate, epoch):
        enter(stack, slot, module, key, learning_rate * (1 + slot.index / 1000), epoch)

    def checks():
        return bit_checks.contract(SoftmaxRegression(), Machine(), SIZES["tiny"].bits, "ieee")

    enter, sound = GpuStack._enter, checks()
    assert differences(sound) == differences(sound, "reference") == []
    assert compares(sound)
    assert compares(sound, "reference")
    with mock.patch.object(GpuStack, "_enter", planted):
        names = [line.split(":")[0] for line in differences(checks())]
    assert set(names) >= {"2 slots, shuffled", "paused every epoch"}
    assert "same again" not in names


@pytest.mark.slow
def test_a_stack_that_trains_something_else_is_found():
    """Planted: labels that are one too large in all slots alike; bits are equal, and the reference loop disagrees."""

    def planted(split, data, device):
        images = load_images(split, data, device)
        images.train.labels.add_(1).remainder_(10)
        return images

    load_images = plan.load_images
    with mock.patch.object(plan, "load_images", planted):
        found = bit_checks.contract(SoftmaxRegression(), Machine(), SIZES["tiny"].bits, "ieee")
    assert differences(found) == []
    assert len(differences(found, "reference")) == 1


@pytest.mark.slow
def test_a_session_survives_what_hangs_and_names_what_differs():
    """A real part, a planted difference and a part that hangs: each outcome is in the JSON file, the exit code is 1."""

    def steps(place):
        yield from place.parts(["rates/softmax/ieee"], "quick")
        yield Step(name="bits/planted", command=(sys.executable, "-c", PLANTED), limit=60)
        yield Step(name="bits/hanging", command=(sys.executable, "-c", "import time; time.sleep(600)"), limit=0.2)

    screen = io.StringIO()
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(schedule.STEPS, {"second": steps}),
        redirect_stdout(screen),
    ):
        assert schedule.main(["second", "--interpret", "--out", folder]) == 1
        report = json.loads(Path(folder, "second.json").read_text())

    outcomes = {name: step["outcome"] for name, step in islice(report["steps"].items(), 1, None)}
    assert outcomes == {"rates/softmax/ieee": "ok", "bits/planted": "failed", "bits/hanging": "failed"}
    assert report["steps"]["machine"]["result"]["torch"]
    assert report["steps"]["rates/softmax/ieee"]["result"]["microseconds_a_step"] > 0
    assert "bits: DIFFERENT at bits/planted: 2 slots: trial 1, epoch 1" in screen.getvalue()
