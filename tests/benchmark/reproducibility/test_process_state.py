"""Whatever third-party code sets in the process is put back, found again by itself alone, and said."""

import decimal
import importlib
import inspect
import pkgutil
import signal
import sys
import types
import warnings

import numpy as np
import pytest
import torch
import torch.backends

from benchmark.cli import signals
from benchmark.reproducibility.isolated_objective import IsolatedObjective
from benchmark.reproducibility.process_state import (
    SETTINGS,
    ProcessState,
    describe_settings,
    put_back_strays,
    read_settings,
    settings_of_trainings,
)
from benchmark.reproducibility.setting_changes import pop_changes
from objectives.objective import Objective

BACKENDS = torch.backends


def leave_open(context):
    """Enter a context and never leave it, as a suspended training does."""
    context.__enter__()
    return context


def assign(owner, name, value):
    return lambda: setattr(owner, name, value)


TORCH_SETTERS = {
    "enable_grad": lambda: leave_open(torch.no_grad()),
    "set_anomaly_enabled": lambda: torch.set_anomaly_enabled(True, False),
    "set_autocast_cache_enabled": lambda: torch.set_autocast_cache_enabled(False),
    "set_autocast_dtype": lambda: torch.set_autocast_dtype("cpu", torch.float16),
    "set_autocast_enabled": lambda: torch.set_autocast_enabled("cpu", True),
    "set_default_device": lambda: torch.set_default_device("meta"),
    "set_default_dtype": lambda: torch.set_default_dtype(torch.float64),
    "set_default_tensor_type": lambda: torch.set_default_tensor_type(torch.DoubleTensor),
    "set_deterministic_debug_mode": lambda: torch.set_deterministic_debug_mode("warn"),
    "set_float32_matmul_precision": lambda: torch.set_float32_matmul_precision("medium"),
    "set_flush_denormal": lambda: torch.set_flush_denormal(True),
    "set_grad_enabled": lambda: torch.set_grad_enabled(False),
    "set_num_threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "use_deterministic_algorithms": lambda: torch.use_deterministic_algorithms(True),
}
"""A call of every public function of torch that sets something, with a value that is not the default."""

HARMLESS = {
    "set_autocast_cpu_dtype": "the older name of set_autocast_dtype",
    "set_autocast_cpu_enabled": "the older name of set_autocast_enabled",
    "set_autocast_gpu_dtype": "the older name of set_autocast_dtype",
    "set_autocast_ipu_dtype": "no training runs there",
    "set_autocast_ipu_enabled": "no training runs there",
    "set_autocast_xla_dtype": "no training runs there",
    "set_autocast_xla_enabled": "no training runs there",
    "set_num_interop_threads": "torch lets a process set it once only, and no training uses these threads",
    "set_printoptions": "texts only",
    "set_rng_state": "the generators have states of their own, see PrivateGenerators",
    "set_warn_always": "texts only",
    "cuda.cufft_plan_cache": "what is kept, not what is computed",
    "cuda.blas_workspace_size": "the sizes are put back once a GPU is used",
    "cuda.cublas_workspace_size": "the sizes are put back once a GPU is used",
    "cuda.cublaslt_workspace_size": "the sizes are put back once a GPU is used",
    "mkldnn.allow_tf32": "refused on a CPU",
    "miopen.set_flags": "the same as the attribute",
    "quantized.supported_engines": "cannot be set",
    "xnnpack.enabled": "cannot be set",
    **{f"{name}.set_flags": "the same as the attributes" for name in ("cudnn", "cusparselt", "mkldnn", "opt_einsum")},
}
"""What need not be put back, and why."""

FLAGS = {
    "fp32_precision": assign(BACKENDS, "fp32_precision", "tf32"),
    "set_flags": lambda: BACKENDS.set_flags("tf32"),
    "cuda.matmul": assign(BACKENDS.cuda.matmul, "allow_tf32", True),
    "cuda.enable_cudnn_sdp": lambda: BACKENDS.cuda.enable_cudnn_sdp(False),
    "cuda.enable_flash_sdp": lambda: BACKENDS.cuda.enable_flash_sdp(False),
    "cuda.enable_math_sdp": lambda: BACKENDS.cuda.enable_math_sdp(False),
    "cuda.enable_mem_efficient_sdp": lambda: BACKENDS.cuda.enable_mem_efficient_sdp(False),
    "cuda.preferred_blas_library": lambda: BACKENDS.cuda.preferred_blas_library("cublaslt"),
    "cuda.preferred_linalg_library": lambda: BACKENDS.cuda.preferred_linalg_library("cusolver"),
    "cuda.preferred_rocm_fa_library": lambda: BACKENDS.cuda.preferred_rocm_fa_library("aotriton"),
    "cuda.allow_fp16_bf16_reduction_math_sdp": lambda: BACKENDS.cuda.allow_fp16_bf16_reduction_math_sdp(True),
    "cudnn.allow_tf32": assign(BACKENDS.cudnn, "allow_tf32", False),
    "cudnn.benchmark": assign(BACKENDS.cudnn, "benchmark", True),
    "cudnn.benchmark_limit": assign(BACKENDS.cudnn, "benchmark_limit", 3),
    "cudnn.conv": assign(BACKENDS.cudnn.conv, "fp32_precision", "ieee"),
    "cudnn.deterministic": assign(BACKENDS.cudnn, "deterministic", True),
    "cudnn.enabled": assign(BACKENDS.cudnn, "enabled", False),
    "cudnn.fp32_precision": assign(BACKENDS.cudnn, "fp32_precision", "tf32"),
    "cudnn.rnn.fp32_precision": assign(BACKENDS.cudnn.rnn, "fp32_precision", "ieee"),
    "mha.set_fastpath_enabled": lambda: BACKENDS.mha.set_fastpath_enabled(False),
    "miopen.immediate": assign(BACKENDS.miopen, "immediate", True),
    "mkldnn.conv": assign(BACKENDS.mkldnn.conv, "fp32_precision", "bf16"),
    "mkldnn.deterministic": assign(BACKENDS.mkldnn, "deterministic", True),
    "mkldnn.enabled": assign(BACKENDS.mkldnn, "enabled", False),
    "mkldnn.fp32_precision": assign(BACKENDS.mkldnn, "fp32_precision", "bf16"),
    "mkldnn.matmul": assign(BACKENDS.mkldnn.matmul, "fp32_precision", "bf16"),
    "mkldnn.rnn": assign(BACKENDS.mkldnn.rnn, "fp32_precision", "bf16"),
    "nnpack.set_flags": lambda: BACKENDS.nnpack.set_flags(False),
    "opt_einsum.enabled": assign(BACKENDS.opt_einsum, "enabled", "else"),
    "quantized.engine": assign(BACKENDS.quantized, "engine", "onednn"),
}
if hasattr(BACKENDS.cudnn, "depthwise_kernel"):
    FLAGS["cudnn.depthwise_kernel"] = assign(BACKENDS.cudnn, "depthwise_kernel", "cudnn")
if hasattr(BACKENDS, "python_native"):
    FLAGS["python_native.disable_operations"] = lambda: BACKENDS.python_native.disable_operations("bmm")
    FLAGS["python_native.disable_dispatch_keys"] = lambda: BACKENDS.python_native.disable_dispatch_keys("CUDA")
    HARMLESS["python_native.enable_operations"] = HARMLESS["python_native.enable_dispatch_keys"] = "undo the others"
"""A change of everything in torch.backends that can be set."""

OTHERS = {
    "inference mode": lambda: leave_open(torch.inference_mode()),
    "a device": lambda: leave_open(torch.device("meta")),
    "autocast": lambda: leave_open(torch.autocast("cpu")),
    "filled memory": assign(torch.utils.deterministic, "fill_uninitialized_memory", False),
    "reduced sums": assign(BACKENDS.cuda.matmul, "allow_bf16_reduced_precision_reduction", False),
    "hook of all modules": lambda: torch.nn.modules.module.register_module_forward_hook(print),
    "conversion": lambda: torch.__future__.set_swap_module_params_on_conversion(True),
    "numpy errors": lambda: np.seterr(all="raise"),
    "numpy buffer": lambda: np.setbufsize(16),
    "warnings": lambda: warnings.simplefilter("error", ResourceWarning),
    "decimals": lambda: decimal.getcontext().__setattr__("prec", 3),
    "alarm": lambda: signal.setitimer(signal.ITIMER_REAL, 1000.0),
    "handler": lambda: signal.signal(signal.SIGALRM, signal.SIG_IGN),
    "streams": assign(sys, "stdout", None),
}
CHANGES = TORCH_SETTERS | FLAGS | OTHERS
SLOW = ("use_deterministic_algorithms",)  # It imports torch's compiler, for 3 s.
CASES = [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in CHANGES]


def public_setters():
    """What the installed torch has: its functions that set something, and all that can be set in torch.backends."""
    yield from (name for name in dir(torch) if name.startswith(("set_", "use_", "enable_")))
    names = [module.name for module in pkgutil.walk_packages(BACKENDS.__path__, "torch.backends.")]
    for name in ["torch.backends", *(name for name in names if "._" not in name and ".xeon" not in name)]:
        importlib.import_module(name)
        module, prefix = sys.modules[name], name.removeprefix("torch.backends").lstrip(".")
        for attribute in sorted({*dir(type(module)), *vars(module), *vars(getattr(module, "m", module))}):
            if not attribute.startswith("_") and is_setter(module, attribute):
                yield f"{prefix}.{attribute}".lstrip(".")


def is_setter(module, attribute):
    """Whether an attribute of a module can be assigned to change a setting, or is a function that does so."""
    kind = inspect.getattr_static(type(module), attribute, None)
    value = getattr(module, attribute, None)
    if isinstance(value, types.FunctionType | types.MethodType):
        return attribute.startswith(("set_", "enable_", "disable_", "preferred_", "allow_")) or attribute.endswith(
            "_size"
        )
    if type(value).__name__ in ("_FP32Precision", "cuBLASModule", "cuFFTPlanCacheManager"):
        return True
    return hasattr(type(kind), "__set__") and not isinstance(kind, property | types.GetSetDescriptorType)


def test_every_setter_of_torch_is_put_back_or_harmless():
    """A version of torch with a new setter fails here until somebody has decided about it."""
    assert {name for name in public_setters() if name != "disable_global_flags"} <= {*CHANGES, *HARMLESS}


@pytest.mark.filterwarnings("ignore:.*set_default_tensor_type", "ignore:.*deterministic")
@pytest.mark.parametrize("name", CASES)
def test_what_a_call_sets_is_put_back_found_again_and_said(name):
    """Outside of its calls the process is as it was; in the next call the code finds its own value."""
    state, before = ProcessState("it"), read_settings()
    pop_changes()
    with state.active():
        context = CHANGES[name]()
        inside = read_settings()
    assert read_settings() == before
    changed = [key for key in before if before[key] != inside[key]]
    assert changed
    assert {change.setting for change in pop_changes()} == set(changed)
    with state.active():
        again = read_settings()
    assert read_settings() == before
    assert again == {key: inside[key] if SETTINGS[key].carried_over else before[key] for key in before}
    del context


def test_a_training_that_yields_in_inference_mode_goes_on_in_it():
    """The context is left at the training's end, and the process's mode is as it was all the time."""

    def training():
        with torch.inference_mode():
            for _ in range(3):
                yield torch.is_inference_mode_enabled()
        yield torch.is_inference_mode_enabled()

    state, epochs, found = ProcessState("it"), training(), []
    for _ in range(4):
        with state.active():
            found.append(next(epochs))
        assert not torch.is_inference_mode_enabled()
        assert torch.is_grad_enabled()
    assert found == [True, True, True, False]


def test_what_changes_outside_of_any_call_is_put_back_before_a_training():
    """The text of an exception or the end of an object may run a third party's code too."""
    ProcessState("it")
    with settings_of_trainings():
        torch.set_default_dtype(torch.float64)
        put_back_strays()
        assert torch.get_default_dtype() == torch.float32
        torch.set_float32_matmul_precision("medium")
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.parametrize("name", ["set_float32_matmul_precision", "mkldnn.enabled", "set_default_dtype", "a device"])
def test_what_decides_bits_is_described(name):
    """A header says it in words that a file can hold; what only a GPU uses is no matter on a CPU."""
    plain = describe_settings("cpu")
    with ProcessState("it").active():
        CHANGES[name]()
        changed = describe_settings("cpu")
    assert changed != plain
    assert changed.keys() == plain.keys()
    assert all(type(text) is str and "0x" not in text for text in (*plain.values(), *changed.values()))
    with ProcessState("it").active():
        CHANGES["cudnn.conv"]()
        assert describe_settings("cpu") == plain


def test_an_isolated_objective_answers_for_everything_that_an_objective_does():
    """A method that the interface gains has to be isolated too."""
    own = {name for name in vars(Objective) if not name.startswith("_")}
    follows = {"task"}  # From metrics and constraints.
    assert own - follows <= set(vars(IsolatedObjective))


def test_the_harness_may_replace_its_own_handlers():
    """A signal that arrives in a call makes the harness listen otherwise; nobody else has changed anything."""
    with signals.stoppable(str):
        with ProcessState("algorithms.innocent").active():
            signal.signal(signal.SIGHUP, signals._hear)
        assert signal.getsignal(signal.SIGHUP) is signals._hear
        assert pop_changes() == ()
        with ProcessState("algorithms.guilty").active():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        assert signal.getsignal(signal.SIGHUP) is signals._hear
        assert [change.setting for change in pop_changes()] == ["signal handlers"]
