"""The settings of torch that third-party code may change: how each is read and put back."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from benchmark.reproducibility.process_settings import Setting
from benchmark.reproducibility.torch_flags import (
    cpu_flags,
    float32_precision,
    gpu_flags,
    read_flags,
    set_float32_precision,
    write_flags,
)


def _torch() -> ModuleType:
    """The module torch, imported by the first call into third-party code and not before."""
    import torch

    return torch


def _c() -> Any:
    """The part of torch in which its flags lie."""
    return _torch()._C


def _default_type() -> tuple[Any, str]:
    return _torch().get_default_dtype(), _c()._get_default_device()


def _set_default_type(values: tuple[Any, str]) -> None:
    dtype, device = values
    if _c()._get_default_device() != device:  # Changed by the deprecated set_default_tensor_type.
        _c()._set_default_tensor_type("torch.cuda.FloatTensor" if device == "cuda" else "torch.FloatTensor")
    _torch().set_default_dtype(dtype)


def _function_modes() -> tuple[Any, ...]:
    """The default device with its context, and the other modes in which functions of torch are called."""
    torch = _torch()
    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    device = sys.modules["torch.utils._device"].CURRENT_DEVICE if "torch.utils._device" in sys.modules else None
    count = _c()._len_torch_function_stack()
    return device, context, *(_c()._get_function_stack_at(index) for index in range(count))


def _set_function_modes(values: tuple[Any, ...]) -> None:
    import torch.utils._device

    torch.utils._device.CURRENT_DEVICE, context, *modes = values
    torch._GLOBAL_DEVICE_CONTEXT.device_context = context
    while _c()._len_torch_function_stack():
        _c()._pop_torch_function_stack()
    for mode in modes:
        _c()._push_on_torch_function_stack(mode)


def _dispatch_modes() -> tuple[Any, ...]:
    count = _c()._len_torch_dispatch_stack()
    return tuple(_c()._get_dispatch_stack_at(index) for index in range(count))


def _set_dispatch_modes(modes: tuple[Any, ...]) -> None:
    from torch.utils._python_dispatch import _pop_mode, _push_mode

    while _c()._len_torch_dispatch_stack():
        _pop_mode()
    for mode in modes:
        _push_mode(mode)


_inference_guards: list[tuple[bool, Any]] = []
"""What has been entered to set the inference mode, with the mode before; leaving it sets that mode again.

A guard that nobody refers to would do so at once.
"""


def _set_inference_mode(on: bool) -> None:
    if _inference_guards and _inference_guards[-1][0] == on:
        _inference_guards.pop()[1].__exit__(None, None, None)
        return
    guard = _c()._InferenceMode(on)
    _inference_guards.append((not on, guard))
    guard.__enter__()


def _autograd() -> dict[str, bool]:
    torch = _torch()
    return {
        "forward_mode": _c()._is_fwd_grad_enabled(),
        "threads": _c()._is_multithreading_enabled(),
        "sparse_checks": _c()._check_sparse_tensor_invariants(),
        "anomaly_detection": torch.is_anomaly_enabled(),
        "nan_check": torch.is_anomaly_check_nan_enabled(),
    }


def _set_autograd(values: dict[str, bool]) -> None:
    _c()._set_fwd_grad_enabled(values["forward_mode"])
    _c()._set_multithreading_enabled(values["threads"])
    _c()._set_check_sparse_tensor_invariants(values["sparse_checks"])
    _torch().set_anomaly_enabled(values["anomaly_detection"], values["nan_check"])


AUTOCAST_DEVICES = ("cpu", "cuda")


def _autocast() -> dict[str, Any]:
    torch = _torch()
    values = {"cache": torch.is_autocast_cache_enabled()}
    for name in AUTOCAST_DEVICES:
        values |= {name: torch.is_autocast_enabled(name), f"{name} type": torch.get_autocast_dtype(name)}
    return values


def _set_autocast(values: dict[str, Any]) -> None:
    torch = _torch()
    for name in AUTOCAST_DEVICES:
        torch.set_autocast_enabled(name, values[name])
        torch.set_autocast_dtype(name, values[f"{name} type"])
    torch.set_autocast_cache_enabled(values["cache"])
    torch.clear_autocast_cache()


def _deterministic() -> dict[str, bool]:
    c = _c()
    return {
        "required": c._get_deterministic_algorithms(),
        "warn_only": c._get_deterministic_algorithms_warn_only(),
        "fill_memory": c._get_deterministic_fill_uninitialized_memory(),
    }


def _set_deterministic(values: dict[str, bool]) -> None:
    now = _deterministic()
    if any(values[name] != now[name] for name in ("required", "warn_only")):
        # The public function tells torch's compiler too, for which it would import it: 1.6 s, and new variables.
        loaded = "torch._inductor.config" in sys.modules
        write = _torch().use_deterministic_algorithms if loaded else _c()._set_deterministic_algorithms
        write(values["required"], warn_only=values["warn_only"])
    _c()._set_deterministic_fill_uninitialized_memory(values["fill_memory"])


NATIVE_FILTERS = {
    "dsl_names": ("disable_dsl_names", "enable_dsl_names"),
    "op_symbols": ("disable_op_symbols", "enable_op_symbols"),
    "dispatch_keys": ("disable_dispatch_keys", "enable_dispatch_keys"),
}
"""What of `torch.backends.python_native` is switched off, and the arguments that switch it."""


def _native_kernels() -> tuple[frozenset[str], ...]:
    registry = sys.modules.get("torch._native.registry")
    state = getattr(registry, "_filter_state", None)
    return tuple(frozenset(getattr(state, f"_{name}", ())) for name in NATIVE_FILTERS)


def _set_native_kernels(values: tuple[frozenset[str], ...]) -> None:
    registry: Any = sys.modules["torch._native.registry"]
    for (disable, enable), before, now in zip(NATIVE_FILTERS.values(), values, _native_kernels(), strict=True):
        if before - now:
            registry.deregister_op_overrides(**{disable: sorted(before - now)})
        if now - before:
            registry.reenable_op_overrides(**{enable: sorted(now - before)})


def _set_fast_path(on: bool) -> None:
    _torch().backends.mha.set_fastpath_enabled(on)


def _einsum() -> tuple[dict[str, Any], ...]:
    """The order in which products of an einsum are taken: the module's own values, and those assigned over them."""
    module = _torch().backends.opt_einsum
    return tuple(
        {name: values[name] for name in ("enabled", "strategy") if name in values}
        for values in (vars(module.m), vars(module))
    )


def _set_einsum(values: tuple[dict[str, Any], ...]) -> None:
    module = _torch().backends.opt_einsum
    for namespace, wanted in zip((vars(module.m), vars(module)), values, strict=True):
        for name in ("enabled", "strategy"):
            namespace.pop(name, None)
        namespace.update(wanted)


def _current_gpu() -> dict[str, int]:
    """The current GPU and the workspaces of cuBLAS in bytes; nothing before a GPU is used."""
    if not _torch().cuda.is_initialized():
        return {}
    c = _c()
    sizes = {"cublas": c._cuda_getCublasWorkspaceSize(), "cublaslt": c._cuda_getCublasLtWorkspaceSize()}
    return {"device": c._cuda_getDevice(), **sizes}


def _set_current_gpu(values: dict[str, int]) -> None:
    if not values:
        return
    now = _current_gpu()
    for name, setter in (("cublas", "_cuda_setCublasWorkspaceSize"), ("cublaslt", "_cuda_setCublasLtWorkspaceSize")):
        if values[name] != now[name]:
            getattr(_c(), setter)(values[name])
    _torch().cuda.set_device(values["device"])


MODULE_HOOKS = (
    *("_global_forward_pre_hooks", "_global_forward_hooks", "_global_backward_pre_hooks", "_global_backward_hooks"),
    *("_global_parameter_registration_hooks", "_global_buffer_registration_hooks"),
    *("_global_module_registration_hooks", "_global_forward_hooks_with_kwargs", "_global_forward_hooks_always_called"),
)
"""Functions that every module of torch calls, by their dictionaries in `torch.nn.modules.module`."""


def _module_hooks() -> tuple[Any, ...]:
    module = sys.modules["torch.nn.modules.module"]
    return tuple(tuple(getattr(module, name).items()) for name in MODULE_HOOKS)


def _set_module_hooks(values: tuple[Any, ...]) -> None:
    module = sys.modules["torch.nn.modules.module"]
    for name, hooks in zip(MODULE_HOOKS, values, strict=True):
        getattr(module, name).clear()
        getattr(module, name).update(hooks)


def _conversion() -> tuple[bool, bool]:
    future = _torch().__future__
    return future.get_overwrite_module_params_on_conversion(), future.get_swap_module_params_on_conversion()


def _set_conversion(values: tuple[bool, bool]) -> None:
    _torch().__future__.set_overwrite_module_params_on_conversion(values[0])
    _torch().__future__.set_swap_module_params_on_conversion(values[1])


TORCH_SETTINGS: dict[str, Setting] = {
    "default type": Setting(read=_default_type, write=_set_default_type, decides_bits=True),
    "function modes": Setting(read=_function_modes, write=_set_function_modes, decides_bits=True),
    "dispatch modes": Setting(read=_dispatch_modes, write=_set_dispatch_modes, decides_bits=True),
    "inference mode": Setting(
        read=lambda: _torch().is_inference_mode_enabled(), write=_set_inference_mode, decides_bits=True
    ),
    "gradients": Setting(
        read=lambda: _torch().is_grad_enabled(), write=lambda on: _torch().set_grad_enabled(on), decides_bits=True
    ),
    "autograd": Setting(read=_autograd, write=_set_autograd, decides_bits=True),
    "autocast": Setting(read=_autocast, write=_set_autocast, decides_bits=True),
    "deterministic kernels": Setting(read=_deterministic, write=_set_deterministic, decides_bits=True),
    "threads": Setting(
        read=lambda: _torch().get_num_threads(), write=lambda threads: _torch().set_num_threads(threads)
    ),
    "float32 precision": Setting(read=float32_precision, write=set_float32_precision, decides_bits=True),
    "CPU kernels": Setting(
        read=lambda: read_flags(cpu_flags()),
        write=lambda values: write_flags(cpu_flags(), values),
        decides_bits=True,
    ),
    "fast path of attention": Setting(
        read=lambda: _torch().backends.mha._is_fastpath_enabled, write=_set_fast_path, decides_bits=True
    ),
    "order of einsum": Setting(read=_einsum, write=_set_einsum, decides_bits=True),
    "GPU kernels": Setting(
        read=lambda: read_flags(gpu_flags()),
        write=lambda values: write_flags(gpu_flags(), values),
        decides_bits=True,
        gpu=True,
    ),
    "native kernels": Setting(read=_native_kernels, write=_set_native_kernels, decides_bits=True, gpu=True),
    "current GPU": Setting(read=_current_gpu, write=_set_current_gpu),
    "hooks of modules": Setting(read=_module_hooks, write=_set_module_hooks, decides_bits=True),
    "conversion of modules": Setting(read=_conversion, write=_set_conversion),
}
