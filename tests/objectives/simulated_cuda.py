"""A CUDA device that is not there: its tensors hold real numbers on the CPU and obey CUDA's rules.

Every operation is first tried on fake tensors, for which torch propagates devices as a GPU does and refuses what a
GPU refuses (a product with a tensor of the CPU, an index of the CPU in `index_select`), then computed on the CPU.
"""

from contextlib import ExitStack, contextmanager, nullcontext
from unittest import mock

import torch
from torch._subclasses.fake_tensor import DynamicOutputShapeException, FakeTensorMode
from torch.utils._pytree import tree_map, tree_map_only

from objectives.stacks.functional import blocks, masks

CUDA = torch.device("cuda", 0)
READS = (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.equal.default)
"""Operations that bring a value of the device to the host, which waits for it."""


class CudaTensor(torch.Tensor):
    """A tensor that says it is on the GPU; `values` are on the CPU."""

    @staticmethod
    def __new__(cls, values):
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            values.size(),
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
        )
        made.values = values
        return made

    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)

    def cpu(self):
        return torch.ops.aten._to_copy.default(self, device=torch.device("cpu"))

    def to(self, *args, **kwargs):
        device, *_ = torch._C._nn._parse_to(*args, **kwargs)
        return super().to(*args, **kwargs) if device is None or is_cuda(device) else self.cpu().to(*args, **kwargs)

    def numpy(self):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    def __repr__(self):
        return f"CudaTensor({self.values!r})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise AssertionError("no simulated device is active")


class SimulatedCuda(FakeTensorMode):
    """The mode that is active instead of a fake one, so that torch looks for no driver and can still trace functions.

    Carries out every operation; `reads` counts how often the host waited for values of the device.
    """

    def __init__(self):
        super().__init__()
        self.fake = FakeTensorMode()
        self.known = {}
        self.reads = 0
        self.capturing = self.training = False
        self.pinned = {}

    @contextmanager
    def captured(self):
        """Refuse what cannot be part of a CUDA graph."""
        self.capturing = True
        try:
            yield
        finally:
            self.capturing = False

    def capture(self, launch, *, shares_memory=False):
        """Do as `captured` of `objectives.stacks.cuda_graph`: what cannot be part of a graph is refused."""
        with self.captured():
            launch()
        return launch

    @contextmanager
    def busy(self):
        """Refuse what makes the host wait for the device's work."""
        self.training = True
        try:
            yield
        finally:
            self.training = False

    def pin(self, tensor):
        """Note that a tensor's memory is one that the device reads and writes without the host."""
        self.pinned[tensor.untyped_storage().data_ptr()] = tensor  # Kept, so that the address stays its own.
        return tensor

    def wait(self):
        """Wait for the device, where that is allowed."""
        if self.training:
            raise RuntimeError("waits for the device while it trains")

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        given = [value for value in torch.utils._pytree.tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
        asked = kwargs.get("device")
        if not any(isinstance(value, CudaTensor) for value in given) and not is_cuda(asked):
            wants_pinned = kwargs.pop("pin_memory", False)
            made = func(*args, **kwargs)
            return self.pin(made) if wants_pinned else made
        self._note(func, args, given, asked, kwargs)
        devices = self._devices(func, args, kwargs)
        if is_cuda(asked):
            kwargs["device"] = torch.device("cpu")
        real_args, real_kwargs = tree_map_only(CudaTensor, lambda tensor: tensor.values, (args, kwargs))
        result = func(*real_args, **real_kwargs)
        return self._wrapped(result, devices, args, real_args)

    def _note(self, func, args, given, asked, kwargs):
        """Count what is read from the device; refuse what a GPU refuses besides mixed devices."""
        on_device = [isinstance(value, CudaTensor) for value in given]
        reads = func in READS or (func is torch.ops.aten.nonzero.default) or (asked is not None and not is_cuda(asked))
        crosses = is_cuda(asked) and not all(on_device)
        if func is torch.ops.aten.copy_.default:
            reads, crosses = not on_device[0], on_device[0] and not on_device[1]
        if self.capturing and (reads or crosses):
            raise RuntimeError(f"{func}: waits for the device or the host while a graph is captured")
        non_blocking = kwargs.get("non_blocking", func is torch.ops.aten.copy_.default and True in args[2:])
        on_host = [value for value, there in zip(given, on_device, strict=True) if not there]
        if non_blocking and all(value.untyped_storage().data_ptr() in self.pinned for value in on_host) and on_host:
            return
        self.reads += reads
        if self.training and (reads or crosses):
            raise RuntimeError(f"{func}: waits for the device while it trains")
        generator = kwargs.get("generator")
        if generator is not None and generator.device.type == "cpu":
            raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'")

    def _devices(self, func, args, kwargs):
        """The devices of the results, or the refusal of a GPU; the same for tensors of the same form."""
        form = str((func, tree_map_only(torch.Tensor, describe, (args, kwargs))))
        if form not in self.known:
            self.known[form] = self._propagated(func, args, kwargs)
        return self.known[form]

    def _propagated(self, func, args, kwargs):
        if func in READS:
            return None
        with self.fake:
            fake_args, fake_kwargs = tree_map_only(torch.Tensor, self._as_fake, (args, kwargs))
            try:
                outcome = func(*fake_args, **fake_kwargs)
            except DynamicOutputShapeException:
                return CUDA
        return tree_map(lambda value: value.device if isinstance(value, torch.Tensor) else None, outcome)

    def _as_fake(self, tensor):
        device = CUDA if isinstance(tensor, CudaTensor) else tensor.device
        if tensor.dim() == 0 and device.type == "cpu":
            return torch.empty((), dtype=tensor.dtype, device="cpu")
        return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device=device)

    def _wrapped(self, result, devices, args, real_args):
        own = {id(real): given for given, real in zip(args, real_args, strict=True) if isinstance(given, CudaTensor)}

        def wrap(value, device):
            if not isinstance(value, torch.Tensor) or device is None or device.type != "cuda":
                return value
            return own[id(value)] if id(value) in own else CudaTensor(value)

        if isinstance(devices, torch.device) or devices is None:
            return tree_map(lambda value: wrap(value, devices), result)
        if isinstance(result, list | tuple):
            return type(result)(map(wrap, result, devices))
        return wrap(result, devices)


def describe(tensor):
    """All of a tensor but its values."""
    return tuple(tensor.size()), tensor.stride(), tensor.dtype, tensor.device


def device_of(tensor):
    """A tensor's device, also where torch.func has wrapped it: autograd's engine must see tensors of the CPU."""
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return CUDA if isinstance(tensor, CudaTensor) else torch._C.TensorBase.device.__get__(tensor)


def is_cuda(device):
    """Whether a device is a GPU; None is not."""
    return device is not None and torch.device(device).type == "cuda"


class Event:
    """A CUDA event of a device that has always got there."""

    def __init__(self, mode):
        self.mode = mode

    def record(self):
        """Mark this point of the work."""

    def query(self):
        return True

    def synchronize(self):
        self.mode.wait()

    def elapsed_time(self, other):
        return 1.0


@contextmanager
def simulated_cuda():
    """A process in which tensors can be made on "cuda"."""
    with ExitStack() as stack:
        mode = SimulatedCuda()
        for name in ("set_device", "empty_cache"):
            stack.enter_context(mock.patch.object(torch.cuda, name))
        stack.enter_context(mock.patch.object(blocks, "captured", mode.capture))
        stack.enter_context(mock.patch.object(masks, "has_kernel", return_value=False))  # Triton needs addresses.
        stack.enter_context(mock.patch.object(torch.cuda, "synchronize", side_effect=lambda device=None: mode.wait()))
        stack.enter_context(mock.patch.object(torch.cuda, "Event", side_effect=lambda enable_timing=False: Event(mode)))
        stack.enter_context(mock.patch.object(torch.Tensor, "pin_memory", lambda tensor: mode.pin(tensor.clone())))
        stack.enter_context(mock.patch.object(torch.cuda, "device", return_value=nullcontext()))
        stack.enter_context(mock.patch.object(torch.Tensor, "device", property(device_of), create=True))
        # A module that moves to another device gets new parameters: those of here and there have one type in C++.
        stack.callback(torch.__future__.set_swap_module_params_on_conversion, False)
        torch.__future__.set_swap_module_params_on_conversion(True)
        yield stack.enter_context(mode)
