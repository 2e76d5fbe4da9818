"""A torch whose `cuda` shows invented GPUs, for what is asked before anything is trained."""

import sys
import warnings
from types import SimpleNamespace

GIB = 2**30
H200 = SimpleNamespace(name="NVIDIA H200", total_memory=139 * GIB, major=9, minor=0, uuid="a")
T4 = SimpleNamespace(name="Tesla T4", total_memory=15 * GIB, major=7, minor=5, uuid="b")
P400 = SimpleNamespace(name="Quadro P400", total_memory=2 * GIB, major=6, minor=1, uuid="c")
SMALL = SimpleNamespace(name="Small", total_memory=GIB, major=9, minor=0, uuid="d")
SLICE = SimpleNamespace(name="NVIDIA H200 MIG 1g.18gb", total_memory=16 * GIB, major=9, minor=0, uuid="e")


def show_gpus(monkeypatch, *gpus, built_for="13.2", says="", fails=None, driver=(13, 2), arch=("sm_75", "sm_90")):
    """Let torch show these GPUs.

    Args:
        monkeypatch: puts everything back after the test.
        gpus: properties, in torch's order.
        built_for: version of CUDA, None for a build without.
        says: what torch warns of when it is asked.
        fails: what it raises when it is asked for properties.
        driver: version of CUDA that the driver supports; None without a driver.
        arch: generations that torch is built for.
    """

    def is_available():
        if says:
            warnings.warn(says, UserWarning, stacklevel=1)
        return bool(gpus)

    def properties(number):
        if fails is not None:
            raise fails
        return gpus[number]

    cuda = SimpleNamespace(
        is_available=is_available,
        device_count=lambda: len(gpus),
        get_device_properties=properties,
        get_arch_list=lambda: list(arch),
    )
    version = SimpleNamespace(cuda=built_for, hip=None)
    torch = SimpleNamespace(cuda=cuda, version=version, __version__="2.15.0+" + ("cpu" if built_for is None else "cu"))
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr("benchmark.devices.cuda_driver.supported_cuda_version", lambda: driver)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
