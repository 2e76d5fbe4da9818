"""Which way of training is taken: a rule of network and device, recorded, never a matter of timing."""

import time

import pytest

from objectives import OBJECTIVES
from objectives.classification.base import ImageClassification
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.stack import RouteRefused
from objectives.stacks import route, softmax
from objectives.stacks.functional.stack import FunctionalStack
from objectives.stacks.looped.stack import LoopedStack
from objectives.stacks.softmax import SoftmaxStack
from objectives.training import networks

pytestmark = pytest.mark.usefixtures("one_thread")

MACHINE = Machine()
NETWORKS = [name for name, kind in OBJECTIVES.items() if issubclass(kind, ImageClassification)]


@pytest.mark.parametrize(
    ("name", "options", "kind", "called"),
    [
        ("softmax", {}, SoftmaxStack, "stacked"),
        ("softmax", {"split": "book"}, SoftmaxStack, "stacked"),
        ("softmax", {"folds": 3}, LoopedStack, "looped"),
        ("lenet", {}, LoopedStack, "looped"),
        ("lenet", {"folds": 2}, LoopedStack, "looped"),
        ("dropout_mlp", {}, LoopedStack, "looped"),
        ("dropout_mlp", {"split": "book"}, LoopedStack, "looped"),
        ("mlp", {}, LoopedStack, "looped"),
        ("mlp", {"folds": 2}, LoopedStack, "looped"),
    ],
)
def test_the_routes_on_the_cpu(name, options, kind, called):
    """One dense layer is stacked; convolutions, wide layers and folds are looped; the record says so."""
    objective = OBJECTIVES[name](**options)
    stack = objective.stack(MACHINE)
    assert type(stack) is kind
    assert stack.route == called
    assert stack.arithmetic == "reference" == objective.arithmetic(MACHINE, stacked=True)
    assert objective.arithmetic(MACHINE, stacked=False) == "reference"
    assert objective.stackable


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("capacity", [1, 5, 64])
def test_the_capacity_asked_for(name, capacity):
    """A stack has the slots it is asked for, or as many as the route finds best."""
    objective = OBJECTIVES[name]()
    assert objective.stack(MACHINE, capacity).free == capacity
    assert objective.stack(MACHINE).free in (softmax.CAPACITY, route.LOOPED_CAPACITY)


@pytest.mark.parametrize(
    ("name", "options", "asked", "kind"),
    [
        ("softmax", {}, "looped", LoopedStack),
        ("softmax", {}, "stacked", SoftmaxStack),
        ("softmax", {"folds": 3}, "looped", LoopedStack),
        pytest.param("softmax", {}, "functional", FunctionalStack, marks=pytest.mark.slow),  # It is traced and proved.
    ],
)
def test_a_route_that_is_asked_for(name, options, asked, kind):
    """It is taken, and the record says that it was asked for."""
    stack = OBJECTIVES[name](**options).stack(Machine(route=asked), 2)
    assert type(stack) is kind
    assert stack.route_reason == "it was asked for"
    assert OBJECTIVES[name](**options).stack(MACHINE, 2).route_reason is None


@pytest.mark.parametrize(
    ("name", "options", "machine", "message"),
    [
        ("lenet", {}, Machine(route="stacked"), "needs one dense layer, a fixed batch size and a CPU, not cpu"),
        ("softmax", {}, Machine(route="stacked", device="cuda"), "a CPU, not cuda"),
        ("lenet", {}, Machine(route="triton"), "needs a GPU, not cpu"),
        ("mlp", {}, Machine(route="triton"), "there are no kernels for this network"),
        ("lenet", {}, Machine(route="functional"), "convolutions are slower stacked on a CPU"),
        ("softmax", {"folds": 3}, Machine(route="functional"), "with folds only looped is possible"),
    ],
)
def test_a_route_that_cannot_be_taken(name, options, machine, message):
    """The refusal says what is in the way."""
    with pytest.raises(RouteRefused, match=message):
        OBJECTIVES[name](**options).arithmetic(machine, stacked=True)


def test_softmax_where_products_differ(monkeypatch):
    """On a machine whose batched products have other bits softmax regression is looped."""
    monkeypatch.setattr(softmax, "agrees", lambda *shape: False)
    assert type(SoftmaxRegression().stack(MACHINE)) is LoopedStack


class TunedBatches(SoftmaxRegression):
    """Softmax regression whose batch size is a hyperparameter."""

    @property
    def fixed_batch_size(self):
        return None


class Deeper(SoftmaxRegression):
    """More than one layer."""

    def network(self, config, split):
        return networks.dropout_mlp(split.train.x[0].numel(), (16, 16), (0.5, 0.0))


@pytest.mark.parametrize("kind", [TunedBatches, Deeper])
def test_what_softmax_slots_cannot_hold(kind):
    """Slots of different batch sizes or of other networks go another way."""
    assert type(kind().stack(MACHINE)) is not SoftmaxStack


def test_no_clock_is_read(monkeypatch):
    """The choice is the same on a machine of any speed, as it decides bits."""

    def read():
        raise AssertionError("a clock was read")

    for name in ("perf_counter", "perf_counter_ns", "monotonic", "time", "process_time"):
        monkeypatch.setattr(time, name, read)
    chosen = [route.choose_route(OBJECTIVES[name](), MACHINE) for name in NETWORKS]
    monkeypatch.undo()
    assert [type(way.make(2)) for way in chosen] == [SoftmaxStack, *[LoopedStack] * (len(NETWORKS) - 1)]


@pytest.mark.parametrize("name", NETWORKS)
def test_choosing_moves_no_generator(name, global_state, move_global_generators):
    """An example network is built for the choice, from no global generator."""
    before = global_state()
    assert route.choose_route(OBJECTIVES[name](), MACHINE).arithmetic == "reference"
    assert global_state() == before
