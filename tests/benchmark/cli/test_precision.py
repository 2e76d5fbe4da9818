"""The precision of products on a GPU: the default by its compute capability, and what is refused."""

import pytest
import torch

from benchmark.cli.options import check_precision
from benchmark.errors import BadInput


@pytest.fixture
def gpus(monkeypatch):
    """Pretend that GPUs of some compute capabilities are visible."""

    def pretend(*capabilities):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(capabilities))
        monkeypatch.setattr(
            torch.cuda, "get_device_capability", lambda device: capabilities[torch.device(device).index]
        )

    return pretend


@pytest.mark.parametrize(
    ("capabilities", "device", "preset"),
    [
        ([(7, 0)], "cuda", "ieee"),
        ([(7, 5)], "cuda:0", "ieee"),
        ([(8, 0)], "cuda", "bf16x6"),
        ([(9, 0)], "cuda:0", "bf16x6"),
        ([(12, 0)], "cuda", "bf16x6"),
        ([(9, 0), (7, 5)], "cuda", "bf16x6"),  # Those of the first kind are in use.
        ([(9, 0), (7, 5)], "cuda:0", "bf16x6"),
        ([(9, 0), (7, 5)], "cuda:1", "ieee"),
    ],
)
def test_the_default_is_what_every_gpu_in_use_has(gpus, capabilities, device, preset):
    """Three bfloat16 parts from compute capability 8.0 on; any option of that GPU may be forced, others are refused."""
    gpus(*capabilities)

    assert check_precision(None, device) == preset
    assert check_precision("ieee", device) == "ieee"
    if preset == "ieee":
        with pytest.raises(BadInput, match=f"--precision 'bf16x6': allowed on {device} are ieee"):
            check_precision("bf16x6", device)
    else:
        assert check_precision("tf32", device) == "tf32"


def test_a_cpu_has_one_precision(gpus):
    """Products on a CPU are float32, whatever GPUs there are; a misspelt name is answered with the nearest."""
    gpus((9, 0))

    assert check_precision(None, "cpu") == "ieee"
    with pytest.raises(BadInput, match="--precision 'bf16x6': allowed on cpu are ieee"):
        check_precision("bf16x6", "cpu")
    with pytest.raises(BadInput, match='did you mean "bf16x6"'):
        check_precision("bf16x9", "cuda:0")
