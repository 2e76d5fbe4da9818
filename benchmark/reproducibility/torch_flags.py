"""Reads and writes torch's flags for the precision of products and the choice of kernels.

They are read where torch's own properties read them, in `torch._C`, because reading dozens of them at every call of an
algorithm must take microseconds. What a version of torch lacks is left out.
"""

from __future__ import annotations

from functools import cache
from typing import Any


def _c() -> Any:
    """The part of torch in which its flags lie."""
    import torch

    return torch._C


PRECISIONS = (
    *(("generic", "all"), ("mkldnn", "all"), ("mkldnn", "matmul"), ("mkldnn", "conv"), ("mkldnn", "rnn")),
    *(("cuda", "all"), ("cuda", "matmul"), ("cuda", "conv"), ("cuda", "rnn")),
)
"""Backends and operations whose float32 precision can be set, each after that from which it inherits."""


PRECISION_NAMES = {".".join(key): key for key in PRECISIONS}
OLDER_PRECISIONS = ("cublas_allow_tf32", "cudnn_allow_tf32", "onednn_allow_tf32", "float32_matmul_precision")
"""The same as torch's older interface says it, by what follows `torch._C._get_` and `torch._C._set_`.

The first sets the last, which knows one value more.
"""


def float32_precision() -> dict[str, Any]:
    """The precision of every backend in both interfaces; the older one raises where somebody has used both."""
    c = _c()
    precisions = {name: c._get_fp32_precision_getter(*key) for name, key in PRECISION_NAMES.items()}
    for name in OLDER_PRECISIONS:
        try:
            precisions[name] = getattr(c, "_get_" + name)()
        except RuntimeError:
            precisions[name] = None
    return precisions


def set_float32_precision(precisions: dict[str, Any]) -> None:
    """Set both interfaces: each setter of the older one sets some of the backends' precisions too."""
    _set_precisions(precisions)
    now = float32_precision()
    for name in OLDER_PRECISIONS:
        if precisions[name] is not None and precisions[name] != now[name]:
            getattr(_c(), "_set_" + name)(precisions[name])
    _set_precisions(precisions)


def _set_precisions(precisions: dict[str, Any]) -> None:
    for name, key in PRECISION_NAMES.items():
        if _c()._get_fp32_precision_getter(*key) != precisions[name]:
            _c()._set_fp32_precision_setter(*key, precisions[name])


CPU_FLAGS = {
    **{"mkldnn.enabled": "mkldnn_enabled", "mkldnn.deterministic": "mkldnn_deterministic"},
    **{"nnpack.enabled": "nnpack_enabled", "quantized.engine": "qengine"},
    "cpu.fp16_reduction": "cpu_allow_fp16_reduced_precision_reduction",
    "attention.order": "sdp_priority_order",
    "attention.fp16_reduction": "math_sdp_allow_fp16_bf16_reduction",
}
"""Flags of torch's libraries on the CPU, by what follows `torch._C._get_` and `torch._C._set_`."""

GPU_FLAGS = {
    **{"cudnn.enabled": "cudnn_enabled", "cudnn.benchmark": "cudnn_benchmark"},
    **{"cudnn.deterministic": "cudnn_deterministic", "cudnn.depthwise_kernel": "cudnn_depthwise_kernel"},
    **{"cuda.fp16_accumulation": "cublas_allow_fp16_accumulation", "miopen.immediate": "miopen_immediate"},
    **{"cuda.linalg": "linalg_preferred_backend", "cuda.blas": "blas_preferred_backend"},
    **{"cuda.grouped_gemm": "cublaslt_prefer_grouped_gemm", "rocm.attention": "rocm_fa_preferred_backend"},
}
"""The same of those on a GPU."""

ATTENTION = ("flash", "mem_efficient", "math", "cudnn", "overrideable", "fa3", "fa4")
"""Ways to compute attention, which can be switched off."""

REDUCTIONS = ("cublas_allow_fp16_reduced_precision_reduction", "cublas_allow_bf16_reduced_precision_reduction")
"""Flags that are read as a tuple and set by its items."""

BENCHMARK_LIMIT = "_cuda_get_cudnn_benchmark_limit", "_cuda_set_cudnn_benchmark_limit"


def _flags(names: dict[str, str]) -> dict[str, tuple[Any, Any]]:
    pairs = {name: (f"_get_{suffix}", f"_set_{suffix}") for name, suffix in names.items()}
    return _existing(pairs)


def _existing(pairs: dict[str, tuple[str, str]]) -> dict[str, tuple[Any, Any]]:
    """The getters and setters that this version of torch has."""
    c = _c()
    return {name: (getattr(c, get), getattr(c, put)) for name, (get, put) in pairs.items() if hasattr(c, put)}


@cache
def cpu_flags() -> dict[str, tuple[Any, Any]]:
    attention = {f"attention.{name}": (f"_get_{name}_sdp_enabled", f"_set_sdp_use_{name}") for name in ATTENTION}
    return _flags(CPU_FLAGS) | _existing(attention)


@cache
def gpu_flags() -> dict[str, tuple[Any, Any]]:
    limit = _existing({"cudnn.benchmark_limit": BENCHMARK_LIMIT})
    reductions = {
        f"cuda.{name}": (get, lambda values, put=put: put(*values))
        for name, (get, put) in _flags({name: name for name in REDUCTIONS}).items()
    }
    return _flags(GPU_FLAGS) | limit | reductions


def read_flags(flags: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
    return {name: read() for name, (read, _) in flags.items()}


def write_flags(flags: dict[str, tuple[Any, Any]], values: dict[str, Any]) -> None:
    for name, (read, write) in flags.items():
        if read() != values[name]:
            write(values[name])
