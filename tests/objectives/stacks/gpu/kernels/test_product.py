"""The product of two tiles in every precision, held against float64."""

import numpy as np
import pytest
import torch
import triton
import triton.language as tl

from objectives.objective import PRECISIONS
from objectives.stacks.gpu.kernels.product import product, split

slow = pytest.mark.slow
ROUNDING = 2.0**-24
"""Of one float32 operation, relative."""
GREATEST_SPLIT = float(torch.finfo(torch.bfloat16).max)
INFINITE_NUMBERS = [float("inf"), float("-inf"), float("nan"), 3.4e38]


M, N, K = tl.constexpr(32), tl.constexpr(16), tl.constexpr(128)


@triton.jit
def _multiply(a, b, out, PRECISION: tl.constexpr, A: tl.constexpr, B: tl.constexpr):
    m, n, k = tl.arange(0, M), tl.arange(0, N), tl.arange(0, K)
    x = tl.load(a + m[:, None] * K + k[None, :])
    y = tl.load(b + k[:, None] * N + n[None, :])
    at = out + m[:, None] * N + n[None, :]
    tl.store(at, product(x, y, tl.load(at), PRECISION, BYTES_A=A, BYTES_B=B))


@triton.jit
def _split(x, out, SIZE: tl.constexpr):
    i = tl.arange(0, SIZE)
    high, middle, low = split(tl.load(x + i))
    tl.store(out + i, high)
    tl.store(out + SIZE + i, middle)
    tl.store(out + 2 * SIZE + i, low)


def multiplied(a, b, precision, total=0.0, *, bytes_a=False, bytes_b=False):
    """A product of tiles (32, 128) and (128, 16) as a kernel computes it."""
    out = torch.full((32, 16), total)
    _multiply[(1,)](a.contiguous(), b.contiguous(), out, PRECISION=precision, A=bytes_a, B=bytes_b)
    return out


def parts_of(x):
    out = torch.zeros((3, len(x)))
    _split[(1,)](x, out, SIZE=len(x))
    return out


def operands(seed):
    """Tiles whose numbers lie within a factor of 2**40 of each other."""
    generator = torch.Generator().manual_seed(seed)
    shapes = ((32, 128), (128, 16))
    return [torch.randn(s, generator=generator) * 2.0 ** torch.randint(-20, 20, s, generator=generator) for s in shapes]


def test_the_parts_are_bfloat16_numbers_and_add_up():
    """From 2**-110 to the greatest bfloat16, ties included: each part is torch's rounding, and nothing is left."""
    generator = np.random.default_rng(0)
    drawn = generator.integers(0, 2**32, 4064, dtype=np.uint32).view(np.float32)
    ties = (np.arange(32, dtype=np.uint32) * 0x8000 + 0x3F800000).view(np.float32)
    x = torch.from_numpy(np.concatenate([drawn, ties]))
    x = torch.where((x.abs() >= 2.0**-110) & (x.abs() <= GREATEST_SPLIT), x, torch.tensor(-0.0))
    parts = parts_of(x)

    assert torch.equal(parts, parts.bfloat16().float())
    assert torch.equal(parts[0], x.bfloat16().float())
    assert torch.equal(parts[1], (x - parts[0]).bfloat16().float())
    assert torch.equal(parts.double().sum(0), x.double())
    assert float(parts[1].abs().max()) > 0 < float(parts[2].abs().max())


def test_tiny_numbers_lose_only_what_is_below_bfloat16():
    """Below 2**-110 down to the least subnormal, parts miss at most 2**-134 of the number."""
    x = torch.tensor([2.0**-126, 1e-38, -1e-39, 2.0**-149, 3 * 2.0**-149, 2.0**-133, 2.0**-134, 1.1 * 2.0**-111])

    assert float((parts_of(x).double().sum(0) - x.double()).abs().max()) <= 2.0**-134


@slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_products_are_as_good_as_float32(precision):
    """The error is within what float32 may round: its unit by the terms, by the sum of the terms' magnitudes."""
    a, b = operands(0)
    exact, size = a.double() @ b.double(), a.double().abs() @ b.double().abs()
    error = (multiplied(a, b, precision).double() - exact).abs() / size

    assert 0 < float(error.max()) < 128 * ROUNDING
    assert float(error.pow(2).mean().sqrt()) < 3 * ROUNDING


def test_only_plain_tf32_is_outside_float32s_rounding():
    """A layer's product in six products of bfloat16 parts errs far less than float32's, in three of TF32 as much."""
    generator = torch.Generator().manual_seed(2)
    x, w = torch.rand((64, 1024), generator=generator), torch.randn((1024, 32), generator=generator) * 0.05
    exact = x.double() @ w.double()

    def error(*pairs):
        total = sum(one.double() @ other.double() for one, other in pairs)
        return float((total - exact).norm() / exact.norm())

    def cut_to_tf32(tensor):
        return (tensor.view(torch.int32) & ~0x1FFF).view(torch.float32)

    (x0, x1, x2), (w0, w1, w2) = (parts_of(each.flatten()).view(3, *each.shape) for each in (x, w))
    high, weight = cut_to_tf32(x), cut_to_tf32(w)
    low, rest = cut_to_tf32(x - high), cut_to_tf32(w - weight)
    float32 = float((x @ w - exact).norm() / exact.norm())
    assert error((x0, w0), (x0, w1), (x1, w0), (x1, w1), (x0, w2), (x2, w0)) < 0.1 * float32
    assert error((high, weight), (high, rest), (low, weight)) < 2 * float32
    assert error((x0, w0), (x0, w1), (x1, w0)) > 8 * float32
    assert error((high, weight)) > 1000 * float32


def test_every_product_of_parts_counts():
    """A single term is wrong by at most four of float32's roundings: leaving out any of the six products is more."""
    generator = torch.Generator().manual_seed(5)
    a, b = torch.zeros(32, 128), torch.zeros(128, 16)
    a[:, 0], b[0] = torch.rand(32, generator=generator) + 1, torch.rand(16, generator=generator) + 1
    exact = a.double() @ b.double()
    a_parts, b_parts = ([part.double() for part in parts_of(x)] for x in (a[:, 0].clone(), b[0].clone()))

    def error(product):
        return float(((product.double() - exact) / exact).abs().max())

    taken = [(i, j) for i in range(3) for j in range(3) if i + j <= 2]
    assert error(multiplied(a, b, "bf16x6")) < 4 * ROUNDING
    for left_out in taken:
        others = sum(torch.outer(a_parts[i], b_parts[j]) for i, j in taken if (i, j) != left_out)
        assert error(others) > 8 * ROUNDING


@slow
def test_bytes_need_three_products():
    """Where one tile holds whole numbers up to 255, six products and the three that are left are equal to the bit."""
    numbers, _ = operands(3)
    whole = torch.randint(0, 256, (128, 16), generator=torch.Generator().manual_seed(4)).float()
    six, three = (multiplied(numbers, whole, "bf16x6", bytes_b=each) for each in (False, True))
    turned = multiplied(whole.T.repeat(2, 1), numbers.T[:, :16], "bf16x6", bytes_a=True)

    assert torch.equal(six, three)
    assert torch.allclose(turned[:16].T, three[:16], rtol=1e-6, atol=0)


@slow
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("number", INFINITE_NUMBERS)
def test_an_infinite_operand_stays_in_its_row_and_is_not_hidden(precision, number):
    """Its row is infinite or NaN exactly where float32's is; all other rows keep their bits."""
    a, b = operands(1)
    b[7] = b[7].abs() + 2
    clean = multiplied(a, b, precision)
    a[3, 7] = number
    with np.errstate(invalid="ignore", over="ignore"):
        spoilt = multiplied(a, b, precision)
    others = [row for row in range(32) if row != 3]

    assert torch.equal(spoilt[others].view(torch.int32), clean[others].view(torch.int32))
    assert not spoilt[3].isfinite().any()


@slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_large_products_overflow_as_float32_does(precision):
    """1e38 by 1 is finite, 1e38 by 1e38 infinite, infinity by 0 NaN; a total that is NaN stays NaN."""
    a, b = torch.zeros(32, 128), torch.zeros(128, 16)
    a[:3, 0] = torch.tensor([1e38, -1e38, float("inf")])
    b[0, :3] = torch.tensor([1.0, 1e38, 0.0])
    with np.errstate(invalid="ignore", over="ignore"):
        found = multiplied(a, b, precision)[:3, :3]
        nan = multiplied(a, b, precision, float("nan"))

    expected = [[1e38, float("inf"), 0.0], [-1e38, float("-inf"), 0.0], [float("inf"), float("inf"), float("nan")]]
    assert torch.allclose(found, torch.tensor(expected), rtol=1e-6, equal_nan=True)
    assert nan.isnan().all()
