"""The clock: what is charged under which clock, and modelled suites that could not be priced refused."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from benchmark.calibration.cost_model import Calibration, CostModel
from benchmark.construction.objective_factory import build_objective
from benchmark.errors import BadInput
from benchmark.suite.parsing import parse
from benchmark.tuning.clock import build_clock, check_clock
from benchmark.tuning.evaluation import TrainingResult
from objectives.classification.base import ImageClassification
from tests.benchmark.tuning.jobs import make_job

PRICED = "tests.benchmark.fakes.planted_cost:PlantedCost"
PLAIN = "tests.benchmark.fakes.planted_cost:Plain"
BAD = "tests.benchmark.fakes.planted_cost:Unpriceable"
PINNED = ["0x1.13ed95110f634p-4", "0x1.7249812a969d2p-5", "0x1.4ae569b805dccp-6"]
CONFIG = {"batch_size": 100, "width": 10, "rate": 0.1}


def entry(name, options=None, set_up=None, epoch=None):
    """A calibration's entry."""
    return CostModel(
        name=name,
        options=options or {},
        date="2024-03-01",
        configurations=2,
        held_out=1,
        rounds=1,
        rows=1,
        spread=0.0,
        median_error=0.0,
        worst_error=0.0,
        set_up=set_up or {},
        epoch=epoch or {"epochs": 3.0},
    )


CALIBRATION = Calibration(
    name="desk",
    device="A CPU",
    versions={},
    cost_models=(
        entry(PRICED, {}, {"networks": 0.5, "parameters": 0.0}, {"steps": 0.25, "products": 0.0, "values": 0.0}),
        entry(PLAIN),
        entry("softmax", {"data": "digits", "split": "standard"}, {"networks": 1.0}, {"steps": 1.0}),
    ),
)


def suite_of(objectives, clock="modelled", calibration=CALIBRATION):
    """A parsed suite with a calibration that is in no file."""
    table = {"budget": {"trials": 1}, "objectives": objectives, "algorithms": {"a": {"searcher": "random"}}}
    return replace(parse("toy", {**table, "clock": clock}), calibration=calibration)


def clock_of(name, clock="modelled", calibration=CALIBRATION):
    """The clock of a run of one objective."""
    suite = suite_of({"it": {"name": name}}, clock, calibration)
    return build_clock(next(suite.runs()), build_objective(suite.objectives[0]))


def checked(objectives, **options):
    """Check the clock of a suite."""
    suite = suite_of(objectives, **options)
    check_clock(suite, {entry.label: build_objective(entry) for entry in suite.objectives})


def job(start_epoch=0, epochs=6, config=CONFIG):
    """What a tuner asks for; deciding took a second."""
    return make_job(config, epochs, start_epoch, start=10.0, decide_seconds=1.0)


def training(state="ok", epochs=6, seconds=4.0):
    """What came of it."""
    return TrainingResult(
        state=state,
        epochs=epochs,
        valid_error=0.5,
        test_error=0.5,
        valid_curve=[],
        test_curve=[],
        train_seconds=seconds,
        paid_seconds=seconds,
    )


# Charging.


def test_the_measured_clock_charges_deciding_and_training():
    """With and without a calibration, which then only prices."""
    with_prices, without = clock_of(PRICED, "measured"), clock_of(PRICED, "measured", None)

    assert with_prices.charge(job(), training())[0] == without.charge(job(), training())[0] == 5.0
    assert with_prices.price(job(), training()) == 0.5 + 6 * 50 * 0.25
    assert without.price(job(), training()) is None


def test_the_modelled_clock_charges_the_price_alone():
    """5000 rows in batches of 100 are 50 steps of 0.25 s; what was measured does not matter."""
    clock = clock_of(PRICED)

    for seconds in (0.0, 4.0, 1e9):
        assert clock.charge(job(), training(seconds=seconds))[0] == 0.5 + 6 * 12.5
    assert clock.price(job(), training()) == clock.charge(job(), training())[0]


@pytest.mark.parametrize(
    ("start_epoch", "asked", "state", "reached", "price"),
    [
        (0, 6, "ok", 6, 0.5 + 6 * 12.5),
        (0, 1, "ok", 1, 0.5 + 12.5),
        (2, 6, "ok", 6, 4 * 12.5),
        (0, 6, "diverged", 2, 0.5 + 2 * 12.5),
        (2, 6, "diverged", 3, 12.5),
        (3, 6, "diverged", 3, 12.5),
        (0, 6, "error", 0, 0.5 + 6 * 12.5),
        (2, 6, "error", 2, 4 * 12.5),
        (0, 6, "crashed", 0, 0.5 + 6 * 12.5),
        (5, 6, "crashed", 5, 12.5),
    ],
)
def test_what_an_evaluation_pays(start_epoch, asked, state, reached, price):
    """Epochs reached, and set-up from the start; what failed pays what was asked; nothing is free."""
    charge = clock_of(PRICED).charge(job(start_epoch, asked), training(state, reached))[0]

    assert charge == price
    assert charge > 0


def test_an_objective_that_counts_nothing_costs_the_same_every_epoch():
    """A user's objective need not know of clocks."""
    assert clock_of(PLAIN).charge(job(config={"x": 1}), training())[0] == 18.0
    assert clock_of(PLAIN).charge(job(2, config={"x": 500}), training())[0] == 12.0


@pytest.mark.parametrize("name", ["branin", "hartmann6"])
@pytest.mark.parametrize("calibration", [None, CALIBRATION])
def test_closed_forms_declare_a_second_an_epoch(name, calibration):
    """They are priced without a calibration, and not by one."""
    for clock in ("measured", "modelled"):
        assert clock_of(name, clock, calibration).price(job(1, 6), training()) == 5.0
    assert clock_of(name, "modelled", calibration).charge(job(0, 6), training())[0] == 6.0


def test_a_clock_goes_to_a_worker_and_back():
    """Processes are sent clocks by pickle; prices stay as they are."""
    suite = suite_of({"it": {"name": PRICED}})
    run = pickle.loads(pickle.dumps(next(suite.runs())))
    clock = pickle.loads(pickle.dumps(build_clock(run, build_objective(run.objective))))

    assert clock.charge(job(), training())[0] == clock_of(PRICED).charge(job(), training())[0]


def digits_prices():
    """Prices of drawn configurations of every network, as hexadecimal floats."""
    names = {"softmax": {}, "lenet": {}, "dropout_mlp": {}}
    costs = {"steps": 1.3e-4, "rows": 7e-7, "updates": 1.1e-9, "values": 3e-10, "multiply_adds": 1.7e-11}
    costs |= {"spill": 1e-16, "unaligned": 1.3e-12, "draws": 4e-9}
    set_up = {"networks": 1.7e-3, "parameters": 3e-9}
    options = {"data": "digits", "split": "standard"}
    entries = tuple(entry(name, options, set_up, costs) for name in names)
    suite = suite_of(names, calibration=replace(CALIBRATION, cost_models=entries))
    prices = []
    for run in suite.runs():
        objective = build_objective(run.objective)
        clock, rng = build_clock(run, objective), np.random.default_rng(3)
        configs = [objective.space.sample(rng) for _ in range(20)]
        prices += [clock.charge(job(config=config), training())[0].hex() for config in configs]
    return prices


@pytest.mark.slow
def test_prices_have_the_same_bits_in_another_process(in_fresh_process):
    """Neither the hash seed nor what ran before changes a price."""
    assert in_fresh_process(__file__, "digits_prices") == digits_prices()


def test_prices_of_digits_are_pinned():
    """Published figures stand on these: changing one makes their runtimes unrepeatable."""
    assert digits_prices()[::20] == PINNED


# Refusals.


@pytest.mark.parametrize("objectives", [{"softmax": {}}, {"branin": {}, "softmax": {}}, {"it": {"name": PLAIN}}])
def test_a_modelled_clock_needs_a_calibration(objectives):
    """The message names the objective that has no price and how to make one."""
    with pytest.raises(BadInput, match=r'calibration = None: clock = "modelled" needs one .* benchmark calibrate'):
        checked(objectives, calibration=None)


def test_what_can_be_priced_is_not_refused():
    """Measured clocks need no calibration, nor do objectives that declare their price."""
    checked({"softmax": {}, "it": {"name": PLAIN}}, clock="measured", calibration=None)
    checked({"branin": {}, "hartmann6": {}}, calibration=None)
    checked({"branin": {}, "a": {"name": PRICED}, "b": {"name": PLAIN}})


@pytest.mark.parametrize(
    ("objectives", "message"),
    [
        ({"lenet": {}}, 'lenet (data = "digits", split = "standard") is not in it'),
        ({"softmax": {"data": "fashion_mnist"}}, 'softmax (data = "fashion_mnist", split = "standard") is not in it'),
        ({"softmax": {"folds": 5}}, 'softmax (data = "digits", folds = 5, split = "standard") is not in it'),
        ({"softmax": {"split": "book"}}, 'split = "book") is not in it'),
        ({"branin": {}, "it": {"name": PLAIN, "choices": 5}}, "(choices = 5) is not in it"),
    ],
)
def test_a_calibration_must_cover_what_it_charges(objectives, message):
    """The modelled clock is refused, with the remedy; the measured one charges, and records no price."""
    with pytest.raises(BadInput, match="calibration desk: ") as refusal:
        checked(objectives)

    checked(objectives, clock="measured")
    suite = suite_of(objectives, clock="measured")
    run = list(suite.runs())[-1]
    assert build_clock(run, build_objective(run.objective)).cost_model is None
    assert 'clock = "measured"' in str(refusal.value)
    assert message in str(refusal.value)


def test_epochs_need_no_calibration_of_their_own():
    """An epoch costs the same however many there are."""
    options = {"data": "digits", "split": "standard"}
    costs = dict.fromkeys(["steps", "rows", "updates", "spill", "values", "multiply_adds", "unaligned", "draws"], 1e-9)
    covering = replace(
        CALIBRATION, cost_models=(entry("softmax", options, {"networks": 1.0, "parameters": 0.0}, costs),)
    )

    checked({"softmax": {"epochs": 2}, "other": {"name": "softmax", "data": "digits"}}, calibration=covering)


def test_terms_of_another_version_are_refused():
    """The entry above for softmax has other terms than softmax counts."""
    with pytest.raises(BadInput, match=r"objectives\.softmax: cannot be priced .*calibrated are \['networks'\]"):
        checked({"softmax": {}})


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("raises", "cannot be priced (RuntimeError: no idea)"),
        ("negative", "counts -1.0 epochs, need"),
        ("endless", "counts inf epochs, need"),
        ("nothing", "an epoch's price is 0.0 seconds, need a finite number > 0"),
        ("other", "calibrated are ['epochs'], the objective counts ['centuries']"),
    ],
)
def test_an_objective_that_cannot_be_priced_is_refused(kind, message):
    """Before the start, whatever its own code does."""
    covering = replace(CALIBRATION, cost_models=(entry(BAD, {"kind": kind}),))

    with pytest.raises(BadInput, match=r"^objectives\.it: ") as refusal:
        checked({"it": {"name": BAD, "kind": kind}}, calibration=covering)

    assert message in str(refusal.value)


def test_options_of_networks_are_told_apart():
    """Defaults count as if they were written, epochs do not."""
    suite = suite_of({"a": {"name": "lenet", "folds": 3, "epochs": 2}, "b": {"name": "lenet"}})
    options = [build_objective(entry).cost_options(entry.part.options) for entry in suite.objectives]

    assert options == [{"data": "digits", "split": "standard", "folds": 3}, {"data": "digits", "split": "standard"}]
    assert all(isinstance(build_objective(entry), ImageClassification) for entry in suite.objectives)
