"""Compiled convolutions against the three modules they stand for, and against themselves on narrower vectors.

Their sums are ordered otherwise than torch's, so values agree within rounding: `ROOM` times the largest value of
the tensor, in float32 as against float64.
"""

import ctypes
import os

import pytest
import torch
from torch import nn

from objectives.classification.lenet import LeNet
from objectives.objective import Machine
from objectives.stacks.looped import c_library
from objectives.stacks.looped.c_library import CompilerError, find_compiler, load_library
from objectives.stacks.looped.direct_convolution import SOURCE, DirectConvolution
from objectives.stacks.looped.sequential import layers_of
from objectives.stacks.looped.stack import train
from objectives.stacks.looped.tiny_convolution import output_size
from objectives.training import counter_rng
from objectives.training.data import Images, Split
from objectives.training.networks import Tanh, build_network, lenet
from objectives.training.reference_loop import train as reference_train
from tests.objectives.stacks.looped.convolutions import KEY, by_modules, numbers

pytestmark = pytest.mark.usefixtures("one_thread")

ROOM = 5e-6
LENET = [(1, 6, 5, 2, (28, 28)), (6, 16, 5, 0, (14, 14))]
OTHERS = [(3, 7, 3, 1, (10, 12)), (2, 4, 4, 1, (9, 15)), (5, 1, 1, 0, (2, 6)), (1, 2, 7, 3, (4, 8))]
ACTIVATIONS = {"tanh": Tanh(), "sigmoid": nn.Sigmoid()}


def inputs(shape, count):
    """A convolution, images for it, and a gradient of what comes out."""
    channels, outputs, kernel, padding, size = shape
    convolution = build_network(lambda: nn.Conv2d(channels, outputs, kernel, padding=padding), KEY, "cpu")
    sides = output_size(convolution, (channels, *size))[1:]
    gradient = numbers(count, outputs, *(side // 2 for side in sides), index=8)
    return convolution, numbers(count, channels, *size, index=7), gradient


def by_library(convolution, activation, x, gradient):
    layer = DirectConvolution(convolution, activation, tuple(x.shape[1:]))
    out = layer.forward(x, training=True)
    of_images, of_parameters = layer.backward(gradient, first=False)
    nothing, again = layer.backward(gradient, first=True)
    assert nothing is None
    assert all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(again, of_parameters, strict=True))
    assert torch.equal(layer.forward(x, training=False).nan_to_num(), out.nan_to_num())
    return [out, of_images, *of_parameters]


@pytest.mark.slow
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", [*LENET, *OTHERS])
def test_values_and_gradients(shape, activation):
    """Forward, and the gradients of input, weights and biases, for whole, broken and single blocks of images."""
    for count in (1, 16, 45, 255):
        arguments = inputs(shape, count)
        convolution, x, gradient = arguments
        ours = by_library(convolution, ACTIVATIONS[activation], x, gradient)
        wanted = by_modules(convolution, ACTIVATIONS[activation], x, gradient)
        for mine, other in zip(ours, wanted, strict=True):
            assert mine.shape == other.shape
            assert float((mine - other).abs().max()) <= ROOM * float(other.abs().max())


@pytest.mark.slow
def test_sigmoid_from_end_to_end():
    """Over all of its range the activation is within three units of the last place of the exact one."""
    convolution = build_network(lambda: nn.Conv2d(1, 1, 1), KEY, "cpu")
    with torch.no_grad():
        convolution.weight.fill_(1)
        convolution.bias.zero_()
    values = torch.cat([torch.linspace(-87, 87, 4001), torch.tensor([-1e30, 1e30, -torch.inf, torch.inf, -0.0, 1e-40])])
    x = values.view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    ours = DirectConvolution(convolution, nn.Sigmoid(), (1, 2, 2)).forward(x, training=False).flatten().double()
    exact = torch.sigmoid(values.double())
    assert float(((ours - exact) / exact.clamp(min=2.0**-126)).abs()[:4001].max()) <= 3 * 2.0**-23
    assert (ours - exact).abs().max() <= 2.0**-22


@pytest.mark.slow
def test_bits_do_not_depend_on_the_width_of_vectors(monkeypatch):
    """Compiled for narrower vectors, or none, every output has the same bits."""
    capability = torch.backends.cpu.get_cpu_capability()
    widths = {"AVX512": ["AVX512", "AVX2", "none"], "AVX2": ["AVX2", "none"]}.get(capability, ["none"])
    if len(widths) == 1:
        pytest.skip("needs a processor with AVX2 or AVX-512")
    results = []
    for width in widths:
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda width=width: width)
        load_library.cache_clear()
        convolution, x, gradient = inputs(LENET[1], 21)
        results.append(by_library(convolution, Tanh(), x, gradient))
    load_library.cache_clear()
    for other in results[1:]:
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(results[0], other, strict=True))


@pytest.mark.slow
def test_weights_that_are_no_numbers():
    """A weight that is no number comes through to its channel, and to the gradients that it reaches."""
    convolution, x, gradient = inputs(OTHERS[0], 4)
    with torch.no_grad():
        convolution.weight[0, 0, 1, 1] = float("nan")
    ours = by_library(convolution, nn.Sigmoid(), x, gradient)
    wanted = by_modules(convolution, nn.Sigmoid(), x, gradient)
    assert ours[0][:, 0].isnan().all()
    assert all(torch.equal(mine.isnan(), other.isnan()) for mine, other in zip(ours, wanted, strict=True))


@pytest.mark.slow
def test_lenet_trains_like_the_reference_loop():
    """Two epochs of LeNet on 28x28 images end at the reference loop's weights within rounding."""
    x = torch.from_numpy(counter_rng.uniform(KEY, 0, 75 * 784)).view(75, 1, 28, 28)
    images = Images(x=x, y=torch.from_numpy(counter_rng.permutation(KEY, 1, 75) % 10))
    split = Split(train=images, valid=images, test=images)
    networks = []
    for loop, options in ((reference_train, {}), (train, {"compiled": True})):
        network = build_network(lambda: lenet(nn.Sigmoid), KEY, "cpu", xavier=True)
        curve = loop(network, split, learning_rate=0.5, batch_size=16, key=KEY, **options)
        counts = [next(curve).valid_wrong for _ in range(2)]
        networks.append((network, counts))
    (reference, counts), (compiled, other_counts) = networks
    assert counts == other_counts
    for wanted, ours in zip(reference.parameters(), compiled.parameters(), strict=True):
        assert (wanted - ours).detach().abs().max() <= 2e-5 * wanted.detach().abs().max()
    kinds = [type(layer) for layer in layers_of(reference, torch.Size((1, 28, 28)), compiled=True)]
    assert kinds.count(DirectConvolution) == 2


def test_ledgers_name_the_arithmetic():
    """Records of compiled convolutions are told apart from others, prices are not."""
    machine = Machine()
    torch_way, compiled = LeNet(), LeNet(convolution="compiled")
    assert [torch_way.arithmetic(machine, stacked=s) for s in (False, True)] == ["reference"] * 2
    assert [compiled.arithmetic(machine, stacked=s) for s in (False, True)] == ["compiled-convolution"] * 2
    assert compiled.cost_options({}) == torch_way.cost_options({})


def test_options_that_make_no_sense():
    """Another word, and a GPU, are refused."""
    with pytest.raises(ValueError, match=r"convolution = 'compile'.*did you mean \"compiled\""):
        LeNet(convolution="compile")
    with pytest.raises(ValueError, match=r"is for the CPU, and not for cuda:0"):
        LeNet(convolution="compiled").prepare(Machine(device="cuda:0"))


def test_no_compiler(monkeypatch, tmp_path):
    """Without a C compiler the message says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(CompilerError, match=r"looked for cc, gcc, clang.*install gcc or clang"):
        find_compiler()


def failing_compiler(folder):
    path = folder / "my-cc"
    path.write_text("#!/bin/sh\necho 'error: unknown value x86-64-v4' >&2\nexit 3\n")
    path.chmod(0o755)
    return path


def test_compiler_that_fails(monkeypatch, tmp_path):
    """What an old compiler says is in the message, and nothing is left in the cache."""
    monkeypatch.setenv("CC", str(failing_compiler(tmp_path)))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(CompilerError, match=r"my-cc cannot compile direct_convolution\.c .*unknown value"):
        load_library(SOURCE, (("C_IN", 1),))
    assert list((tmp_path / "cache" / "incumbent").iterdir()) == []


@pytest.mark.slow
def test_library_of_another_user_is_not_loaded(monkeypatch, tmp_path):
    """A file in the cache that belongs to somebody else is compiled anew."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    source = tmp_path / "answer.c"
    source.write_text("int answer(void) { return 42; }\n")
    load_library(source, ())
    (library,) = (tmp_path / "incumbent").iterdir()
    monkeypatch.setattr(os, "getuid", lambda: library.stat().st_uid + 1)
    assert not c_library._is_own(library)
    monkeypatch.undo()
    assert c_library._is_own(library)
    assert ctypes.CDLL(str(library)).answer() == 42
