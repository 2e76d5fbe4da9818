"""The check of a route on its device, before any result depends on it, and what is taken where it fails."""

import io
from contextlib import ExitStack, contextmanager, redirect_stderr
from unittest import mock

import pytest
import torch
import triton
import triton.language as tl

from benchmark.storage.ledger_format import read_ledger
from objectives import OBJECTIVES
from objectives.classification import base
from objectives.classification.mlp import MLP
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.stacks import route, self_check
from objectives.stacks.gpu.kernels import dense
from objectives.stacks.gpu.stack import GpuStack
from objectives.stacks.self_check import find_fault
from objectives.stacks.separate_process import ProcessFailed
from tests.objectives.stacks.gpu.test_whole_runs import SUITE, command, gpu_here

slow = pytest.mark.slow
CPU = Machine()  # Where Triton's interpreter runs.


@contextmanager
def brief(images=(17, 9, 7), trials=2):
    """A check of so little that interpreted kernels take a second."""
    with ExitStack() as stack:
        for name, value in {"FEW_IMAGES": images, "TRIALS": trials, "EPOCHS": 1, "SIZES": (1, 2)}.items():
            stack.enter_context(mock.patch.object(self_check, name, value))
        stack.enter_context(mock.patch.object(route, "fault_of", find_fault))
        yield


@triton.jit
def too_steep(z, outs, real, label, count):
    """A gradient with a wrong constant."""
    share = tl.exp(z) / tl.sum(tl.where(real[None, :], tl.exp(z), 0.0), axis=1)[:, None]
    return tl.where(outs[None, :] == label[:, None], share - 1.0, share) / (0.9 * count.to(tl.float32))


@triton.jit
def by_slot(z, outs, real, label, count):
    """A gradient that the slot decides."""
    share = tl.exp(z) / tl.sum(tl.where(real[None, :], tl.exp(z), 0.0), axis=1)[:, None]
    gradient = tl.where(outs[None, :] == label[:, None], share - 1.0, share) / count.to(tl.float32)
    return gradient * (1.0 + 0.00001 * tl.program_id(2).to(tl.float32))


@triton.jit
def not_a_number(z, outs, real, label, count):
    """A gradient that is none."""
    return z * float("nan")


@triton.jit
def always_the_same(z, outs, real):
    """An evaluation that answers 3, whatever it sees."""
    return tl.max(tl.where(real[None, :], z * 0.0, 0.0), axis=1).to(tl.int32) + 3


def lost(stack):
    """An advance that ends the device's context."""
    raise torch.AcceleratorError("CUDA error: an illegal memory\naccess was encountered")


FAULTS = {
    "a wrong constant": ((dense, "_loss_gradient", too_steep), "a weight is "),
    "the slot": ((dense, "_loss_gradient", by_slot), "bits differ between stacks of 1 and 2 slots"),
    "NaN": ((dense, "_loss_gradient", not_a_number), "diverges here and not in the reference loop"),
    "wrong answers": ((dense, "_first_greatest", always_the_same), "images from the reference loop's, more than 2"),
    "a lost device": ((GpuStack, "advance", lost), "AcceleratorError: CUDA error: an illegal memory access"),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "images", "trials"),
    [("softmax", (33, 9, 7), 2), ("lenet", (4, 2, 2), 1), ("dropout_mlp", (17, 5, 4), 1)],
)
def test_sound_kernels_pass(name, images, trials):
    """Trials of stacks of two sizes are equal to the bit and agree with the reference loop: Triton is taken."""
    with brief(images, trials):
        chosen = route.choose_gpu_route(OBJECTIVES[name](), CPU)
        assert (chosen.name, chosen.arithmetic, chosen.reason) == ("triton", "triton-ieee", None)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(fault):
    """Each planted fault is found, and the trials go through torch.func with the reason."""
    place, text = FAULTS[fault]
    with brief((40, 30, 20)), mock.patch.object(*place):
        chosen = route.choose_gpu_route(SoftmaxRegression(), CPU)
        assert chosen.name == "functional"
        assert chosen.reason.startswith("triton failed its self-check: ")
        assert text in chosen.reason
        assert "\n" not in chosen.reason


def quick_functional(objective, machine):
    """A route by torch.func, without the proof at its start, which takes seconds."""
    return route.Route(name="functional", arithmetic="functional", make=None, why="")


def choose_without_a_check(kind, fault=None):
    """What is chosen where every check comes to the same."""
    with (
        mock.patch.object(route, "_functional", quick_functional),
        mock.patch.object(route, "fault_of", return_value=fault),
    ):
        return route.choose_gpu_route(kind(), CPU)


def test_where_everything_fails_trials_are_trained_one_after_the_other():
    """The reference loop is left, with both reasons."""
    chosen = choose_without_a_check(SoftmaxRegression, "bits differ")

    assert (chosen.name, chosen.arithmetic) == ("looped", "reference")
    assert chosen.reason == ("triton failed its self-check: bits differ; functional failed its self-check: bits differ")
    assert chosen.build(1).route_reason == chosen.reason


def test_without_triton():
    """What is missing is named with how to install it; a network without kernels misses nothing."""
    for look in ({"return_value": None}, {"side_effect": ModuleNotFoundError("No module named 'triton'")}):
        with mock.patch("importlib.util.find_spec", **look):
            chosen, own = choose_without_a_check(SoftmaxRegression), choose_without_a_check(MLP)
        assert chosen.reason == "Triton is not installed (to use the kernels: pip install triton)"
        assert (chosen.name, own.name, own.reason) == ("functional", "functional", None)


def test_a_triton_that_does_not_work():
    """What raises when it is imported is passed over as well."""
    with mock.patch.object(route, "_gpu", side_effect=ImportError("libtriton.so: wrong\nversion")):
        chosen = choose_without_a_check(SoftmaxRegression)

    assert (chosen.name, chosen.reason) == ("functional", "ImportError: libtriton.so: wrong version")


@pytest.mark.parametrize(
    ("apart", "here", "found"),
    [
        (None, "not asked", None),
        ("a trial's bits differ", "not asked", "a trial's bits differ"),
        ("AcceleratorError: CUDA-capable device(s) is/are busy or unavailable", None, None),
        ("AcceleratorError: CUDA-capable device(s) is/are busy or unavailable", "it raised", "it raised"),
    ],
)
def test_a_check_has_a_process_of_its_own(apart, here, found):
    """What it finds or dies of is the fault; this process checks only where the GPU takes no other."""
    with (
        mock.patch.object(self_check, "call_in_process", return_value=apart),
        mock.patch.object(self_check, "find_fault", return_value=here),
    ):
        assert self_check.find_fault_apart(SoftmaxRegression(), CPU, "triton") == found
    with mock.patch.object(self_check, "call_in_process", side_effect=ProcessFailed("ended with SIGSEGV")):
        assert self_check.find_fault_apart(SoftmaxRegression(), CPU, "triton") == "ended with SIGSEGV"


@pytest.mark.slow
def test_a_suite_goes_on_by_another_route():
    """The headers and a note say which and why, and a ledger of one route is not continued on another."""
    said = io.StringIO()
    with gpu_here("softmax") as folder, brief(), mock.patch.object(base, "choose_route", route.choose_gpu_route):
        (folder / "tiny.toml").write_text(SUITE.format(name="softmax", trials=1))
        with redirect_stderr(said), mock.patch.object(dense, "_loss_gradient", too_steep):
            assert command("run", folder, "there") == 0
        [path, _] = sorted((folder / "there").rglob("*.jsonl"))
        environment = read_ledger(path).records[0]["environment"]
        assert (environment["route"], environment["arithmetic"]) == ("functional", "functional")
        assert environment["route_reason"].startswith("triton failed its self-check: a weight is")
        assert f"note: net: trained by the route functional: {environment['route_reason']}" in said.getvalue()

        with redirect_stderr(said), mock.patch.object(dense, "_loss_gradient", too_steep):
            said.truncate(0)
            assert command("run", folder, "quietly", "--quiet") == 0
        assert said.getvalue().count("note: net: trained by the route functional: triton failed") == 1

        with redirect_stderr(said):
            assert command("run", folder, "there", "--set", "budget.trials=2") == 2
        assert "arithmetic was 'functional' and is now 'triton-ieee'" in said.getvalue()
        assert "give --route functional to repeat what is recorded" in said.getvalue()
