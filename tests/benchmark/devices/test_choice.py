"""Devices that cannot be used as they are asked for: what was found, what is used instead, what to do."""

import pytest

from benchmark.devices import cuda_driver
from benchmark.devices.choice import choose_device
from benchmark.devices.gpus import find_gpus
from benchmark.errors import BadInput
from tests.benchmark.devices.fake_torch import H200, P400, SLICE, SMALL, T4, show_gpus

OLD_DRIVER = "CUDA initialization: The NVIDIA driver on your system is too old (found version 11040). Please update."
WITHOUT = {
    "no driver": ({"driver": None}, {}, ["no NVIDIA driver was found", "install NVIDIA's driver"]),
    "an old driver": (
        {"driver": (11, 4), "says": OLD_DRIVER},
        {},
        ["supports CUDA 11.4, torch is built for CUDA 13.2", "too old (found version 11040)", "update the driver"],
    ),
    "a driver that fails": (
        {"gpus": (H200,), "fails": RuntimeError("CUDA error: busy or\nunavailable")},
        {},
        ["torch says: RuntimeError: CUDA error: busy or unavailable", "see whether nvidia-smi lists one"],
    ),
    "torch for the CPU": ({"built_for": None}, {}, ["torch 2.15.0+cpu is built without CUDA", "install a build"]),
    "hidden": ({}, {"CUDA_VISIBLE_DEVICES": ""}, ["CUDA_VISIBLE_DEVICES is ''", "unset CUDA_VISIBLE_DEVICES"]),
    "hidden without a driver": (
        {"driver": None},
        {"CUDA_VISIBLE_DEVICES": "-1"},
        ["no NVIDIA driver was found, and CUDA_VISIBLE_DEVICES is '-1'"],
    ),
    "no GPU": ({}, {}, ["the driver for CUDA 13.2 shows torch none"]),
    "an old GPU": ({"gpus": (P400,)}, {}, ["cuda:0 (Quadro P400) has compute capability 6.1, need 7.0"]),
    "a small GPU": ({"gpus": (SMALL,)}, {}, ["cuda:0 (Small) has 1.0 GiB of memory, need 2.0", "use another GPU"]),
    "a GPU older than torch": (
        {"gpus": (T4,), "arch": ("sm_80", "sm_90a", "compute_90")},
        {},
        ["cuda:0 (Tesla T4) has compute capability 7.5, torch 2.15.0+cu is built for sm_80, sm_90a, compute_90"],
    ),
}


def show(monkeypatch, fake, variables):
    show_gpus(monkeypatch, *fake.get("gpus", ()), **{name: value for name, value in fake.items() if name != "gpus"})
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("fake", "variables", "parts"), WITHOUT.values(), ids=WITHOUT)
def test_without_a_usable_gpu(monkeypatch, fake, variables, parts):
    """One line says what was found and what to do; "auto" trains on the CPU with the same words, "cuda" is refused."""
    show(monkeypatch, fake, variables)

    choice = choose_device("device", "auto")
    with pytest.raises(BadInput) as refusal:
        choose_device("--device", "cuda")

    assert choice.device == "cpu"
    for text in (*choice.notes, str(refusal.value)):
        assert "no usable GPU was found" in text
        assert "\n" not in text
        assert all(part in text for part in parts), text
    assert choice.notes[0].endswith("trains on the CPU")
    assert str(refusal.value).startswith("--device 'cuda': allowed here are cpu;")
    assert choose_device("--device", "cpu").notes == ()


@pytest.mark.parametrize(
    ("gpus", "asked", "device", "notes"),
    [
        ((H200, H200), "cuda", "cuda", []),
        ((H200, H200), "cuda:1", "cuda:1", []),
        ((H200, H200), "auto", "cuda", []),
        ((H200, T4, H200), "auto", "cuda", ["trains on cuda:0 and cuda:2 (NVIDIA H200), not on cuda:1 (Tesla T4: ano"]),
        (
            (P400, T4, T4),
            "cuda",
            "cuda:1",
            ["trains on cuda:1 (Tesla T4), not on cuda:0 (Quadro P400: has compute cap"],
        ),
        ((H200, T4), "cuda:1", "cuda:1", []),
        ((SLICE,), "cuda", "cuda", ["cuda:0 (NVIDIA H200 MIG 1g.18gb) is a MIG slice, and a process sees one"]),
        ((SLICE,), "cuda:0", "cuda:0", ["cuda:0 (NVIDIA H200 MIG 1g.18gb) is a MIG slice"]),
    ],
)
def test_several_gpus(monkeypatch, gpus, asked, device, notes):
    """GPUs of one kind are used; what is left out, and that a slice is one, is said."""
    show_gpus(monkeypatch, *gpus)

    choice = choose_device("--device", asked)

    assert choice.device == device
    assert len(choice.notes) == len(notes)
    assert all(text.startswith(start) for text, start in zip(choice.notes, notes, strict=True))


@pytest.mark.parametrize(
    ("gpus", "asked", "message"),
    [
        ((H200, P400), "cuda:1", "allowed here are cpu, cuda, cuda:0; cuda:1 (Quadro P400) has compute capability 6.1"),
        ((H200,), "cuda:3", 'allowed here are cpu, cuda, cuda:0 (did you mean "cuda:0"?)'),
        ((H200,), "gpu", 'allowed here are cpu, cuda, cuda:0 (did you mean "cpu"?)'),
        ((), "cup", "no usable GPU was found (the driver for CUDA 13.2 shows torch none; to use one"),
        ((), "cup", '(did you mean "cpu"?)'),
    ],
)
def test_a_device_that_is_not_there(monkeypatch, gpus, asked, message):
    """The refusal names what is there, and what is wrong with the one asked for."""
    show_gpus(monkeypatch, *gpus)

    with pytest.raises(BadInput) as refusal:
        choose_device("--device", asked)

    assert message in str(refusal.value)


def test_a_container_that_was_not_given_its_gpu(monkeypatch, tmp_path):
    """The kernel has the driver, the container lacks its library."""
    show_gpus(monkeypatch, driver=None)
    monkeypatch.setattr(cuda_driver, "KERNEL_DRIVER", tmp_path)

    assert "only its part in the kernel; to use one: give the container" in choose_device("device", "auto").notes[0]


def test_the_drivers_own_words():
    """Without its library there is no version; where there is one, it is a version of CUDA."""
    version = cuda_driver.supported_cuda_version()

    assert version is None or version > (4, 0)


def test_gpus_are_described(monkeypatch):
    """Model, memory and compute capability."""
    show_gpus(monkeypatch, T4)

    assert find_gpus().gpus[0].describe() == "cuda:0 (Tesla T4, 15.0 GiB, compute capability 7.5)"
