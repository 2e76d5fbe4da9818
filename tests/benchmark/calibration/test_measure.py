"""Calibrating: planted costs are found again, held-out configurations stay out, and files are added to."""

import math
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from benchmark.calibration import calibration_file
from benchmark.calibration.cost_model import load_calibration, parse_calibration
from benchmark.calibration.measure import (
    MeasuredObjective,
    MeasurementEffort,
    TimedConfig,
    choose_configs,
    fit_costs,
    measure_objective,
    time_configs,
)
from benchmark.cli.main import main
from benchmark.errors import BadInput
from benchmark.reproducibility import isolated_objective
from benchmark.reproducibility.environment import describe_environment
from benchmark.reproducibility.seeding import config_digest
from objectives import OBJECTIVES
from objectives.cost import CostTerms
from objectives.objective import Machine
from objectives.space import Space
from tests.benchmark.fakes.planted_cost import EPOCH, SET_UP, PlantedCost
from tests.objectives.external.programs import OPTIONS

PRICED = "tests.benchmark.fakes.planted_cost:PlantedCost"
SUITE = """
budget.trials = 1
clock = "modelled"
calibration = "not-there"
algorithms.a.searcher = "random"
[objectives.priced]
name = "tests.benchmark.fakes.planted_cost:PlantedCost"
[objectives.plain]
name = "tests.benchmark.fakes.planted_cost:Plain"
[objectives.branin]
"""


def measured_costs(effort=None, **options):
    """The cost model that measuring the planted objective gives."""
    planted = MeasuredObjective(label="it", name=PRICED, options={}, objective=PlantedCost(**options))
    return measure_objective(planted, Machine(), effort or MeasurementEffort())


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a suite to calibrate."""
    (tmp_path / "mine.toml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INCUMBENT_DATA", raising=False)
    return tmp_path


# The fit.


def test_planted_costs_are_found():
    """Without noise the seconds of every kind of work come back, to the digits that are kept."""
    entry = measured_costs()

    assert entry.epoch == pytest.approx(EPOCH, rel=2e-5)
    assert entry.set_up == pytest.approx(SET_UP, rel=1e-3)
    assert (entry.median_error, entry.worst_error) == (0.0, 0.0)
    assert (entry.configurations, entry.held_out, entry.rounds) == (32, 16, 5)


def test_noise_moves_the_costs_a_little():
    """Two percent of noise on every epoch leave prices of trials nobody timed within a few percent."""
    entry = measured_costs(noise=0.02)
    rng = np.random.default_rng(11)
    objective = PlantedCost()

    for _ in range(100):
        terms = objective.cost_terms(objective.space.sample(rng))
        truth = replace(entry, set_up=SET_UP, epoch=EPOCH).price(terms, 0, 6)
        assert entry.price(terms, 0, 6) == pytest.approx(truth, rel=0.05)
    assert 0 < entry.median_error < 0.03


def test_disturbed_epochs_do_not_count():
    """A fifth of all epochs takes twice as long: the least of five rounds mostly escapes them.

    The planted objective draws by its seed, so that the rounds are told apart by their number here.
    """
    rounds = []

    class Disturbed(PlantedCost):
        def train(self, config, seed, machine):
            rounds.append(config)
            return super().train(config, np.random.SeedSequence(len(rounds)), machine)

    samples = time_configs(
        Disturbed(spikes=0.2),
        [PlantedCost().space.sample(np.random.default_rng(5))] * 1,
        Machine(),
        MeasurementEffort(),
    )
    expected = next(PlantedCost().train(samples[0].config, np.random.SeedSequence(0), Machine())).seconds

    assert len(rounds) == 5
    assert samples[0].seconds[0] == expected


def test_costs_are_never_negative():
    """Work that seems to save time costs nothing."""
    terms = [CostTerms(set_up={}, epoch={"a": float(a), "b": float(10 - a)}) for a in range(1, 10)]
    samples = [
        TimedConfig(config={}, terms=one, seconds=(one.epoch["a"] - 0.05 * one.epoch["b"] + 1,)) for one in terms
    ]

    _, epoch = fit_costs(samples)

    assert min(epoch.values()) >= 0
    assert epoch["a"] > 0


def test_of_terms_in_fixed_proportion_the_first_is_used():
    """Steps of always 16 rows are one cost, not two halves; a term that never occurs costs nothing."""
    terms = CostTerms(set_up={"networks": 1.0}, epoch={"steps": 3.0, "rows": 48.0, "draws": 0.0})

    set_up, epoch = fit_costs([TimedConfig(config={}, terms=terms, seconds=(8.0, 6.0, 6.0))] * 4)

    assert epoch == {"steps": 2.0, "rows": 0.0, "draws": 0.0}
    assert set_up == pytest.approx({"networks": 2.0})


def test_a_trial_of_one_epoch_can_be_fitted():
    """Set-up is then part of the only epoch there is."""
    terms = CostTerms(set_up={"networks": 1.0}, epoch={"steps": 4.0})

    assert fit_costs([TimedConfig(config={}, terms=terms, seconds=(2.0,))] * 3) == ({"networks": 0.0}, {"steps": 0.5})


def test_numbers_have_few_digits():
    """What is written is short, since no more is known."""
    entry = measured_costs(noise=0.02)

    for cost in (*entry.epoch.values(), *entry.set_up.values()):
        assert float(f"{cost:.6g}") == cost


# The configurations.


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("count", [3, 4, 10, 48])
def test_what_is_held_out_is_not_fitted_to(name, count):
    """No configuration is on both sides; a third is held out; all lie in the space."""
    space = OBJECTIVES[name](**OPTIONS.get(name, {})).space

    fitted, held_out = choose_configs("x", space, count)

    assert (len(fitted), len(held_out)) == (count - count // 3, count // 3)
    assert len({config_digest(config) for config in [*fitted, *held_out]}) == count
    assert all(space.check(config) == config for config in [*fitted, *held_out])


def test_every_hyperparameter_is_seen_from_end_to_end():
    """In each of as many slices of equal probability lies one configuration."""
    space = OBJECTIVES["dropout_mlp"](data="fashion_mnist").space

    fitted, _ = choose_configs("x", space, 48)

    places = np.array([space.encode(config) for config in fitted])
    assert ((np.sort(places, axis=0) - (np.arange(32)[:, None] + 0.5) / 32) ** 2).max() < 1e-4


def test_the_choice_repeats_itself():
    """The same space and count give the same configurations."""
    assert choose_configs("x", PlantedCost().space, 12) == choose_configs("x", PlantedCost().space, 12)


@pytest.mark.parametrize("choices", [1, 2, 3])
def test_a_tiny_space_is_refused_or_split(choices):
    """At least one configuration has to stay out."""
    space = Space({"x": stats.randint(0, choices)})

    with pytest.raises(BadInput, match=r"objectives\.x: its space has too few configurations"):
        choose_configs("objectives.x", space, 30)


def test_rounds_are_interleaved():
    """Every configuration is timed once a round, in an order that differs from round to round."""
    asked = []

    class Watched(PlantedCost):
        def train(self, config, seed, machine):
            asked.append(config_digest(config))
            return super().train(config, seed, machine)

    configs = [PlantedCost().space.sample(np.random.default_rng(number)) for number in range(8)]
    time_configs(Watched(), configs, Machine(), MeasurementEffort(rounds=4))

    rounds = [asked[start : start + 8] for start in range(0, 32, 8)]
    assert all(sorted(one) == sorted(map(config_digest, configs)) for one in rounds)
    assert len({tuple(one) for one in rounds}) == 4


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf])
def test_seconds_that_are_none_are_refused(seconds):
    """An objective that reports no time cannot be calibrated."""
    with pytest.raises(BadInput, match=r"objectives\.it: cannot be measured \(ValueError: an epoch of"):
        measured_costs(MeasurementEffort(configs=3, rounds=1), seconds=seconds)


def test_training_that_gives_no_epoch_is_refused():
    """There is nothing to fit to."""
    with pytest.raises(BadInput, match=r"objectives\.it: cannot be measured \(ValueError: training gave no epoch"):
        measured_costs(MeasurementEffort(configs=3, rounds=1), silent=True)


# The command.


def test_the_command_writes_a_calibration(here, capsys, monkeypatch):
    """From a suite whose own calibration is not there yet to a file that prices it; the toys' seconds are planted."""
    monkeypatch.setattr(isolated_objective, "_times_itself", lambda objective: True)
    assert main(["calibrate", "mine.toml", "--name", "desk", "--configs", "9", "--rounds", "1", "--device", "cpu"]) == 0

    calibration = load_calibration("desk.toml")
    card = describe_environment("cpu", 1)
    assert (calibration.name, calibration.device) == ("desk", card["cpu"])
    assert calibration.versions["torch"] == card["torch"]
    assert [entry.name for entry in calibration.cost_models] == ["tests.benchmark.fakes.planted_cost:Plain", PRICED]
    plain, priced = calibration.cost_models
    assert (plain.epoch, plain.set_up) == ({"epochs": 0.25}, {})
    assert priced.epoch == pytest.approx(EPOCH, rel=2e-5)
    assert (priced.configurations, priced.held_out, priced.rounds) == (6, 3, 1)
    out = capsys.readouterr().out
    assert "branin: declares 1 s an epoch, nothing to measure" in out
    assert out.count("within the target of 5% and 15%") == 2
    assert out.splitlines()[-1].endswith(": desk.toml")
    assert [path.name for path in sorted(here.iterdir())] == ["desk.toml", "mine.toml"]


def test_what_is_calibrated_can_be_run(here):
    """The suite with the new calibration is loaded and keeps its clock."""
    main(["calibrate", "mine.toml", "--out", "desk.toml", "--configs", "6", "--rounds", "1", "--device", "cpu"])

    code = main(["run", "mine.toml", "--set", "calibration=./desk.toml", "--device", "cpu", "--jobs", "1", "--quiet"])

    assert code == 0


def test_a_file_is_added_to(here):
    """A second call replaces what it measures anew and keeps the rest."""
    command = ["calibrate", "mine.toml", "--out", "desk.toml", "--rounds", "1", "--device", "cpu"]
    main([*command, "--configs", "6"])
    before = load_calibration("desk.toml")

    (here / "other.toml").write_text(SUITE.replace("[objectives.plain]", "[objectives.more]\nchoices = 50"))
    main(["calibrate", "other.toml", *command[2:], "--configs", "12"])

    after = load_calibration("desk.toml")
    assert after.cost_model("tests.benchmark.fakes.planted_cost:Plain", {}) == before.cost_model(
        "tests.benchmark.fakes.planted_cost:Plain", {}
    )
    assert after.cost_model("tests.benchmark.fakes.planted_cost:Plain", {"choices": 50}).configurations == 8
    assert (before.cost_model(PRICED, {}).configurations, after.cost_model(PRICED, {}).configurations) == (4, 8)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('name = "desk"', 'name = "shelf"', "name"),
        ("device = ", 'device = "Another one" # ', "device"),
        ("torch = ", 'torch = "0.1" # ', "versions"),
        ("[versions]", '[versions]\nmore = "1"', "versions"),
    ],
)
def test_a_file_of_another_machine_is_not_added_to(here, capsys, old, new, field):
    """Numbers of two devices or versions in one file would be no calibration; nothing is measured first."""
    command = ["calibrate", "mine.toml", "--name", "desk", "--configs", "3", "--rounds", "1", "--device", "cpu"]
    main(command)
    text = (here / "desk.toml").read_text().replace(old, new, 1)
    (here / "desk.toml").write_text(text)
    capsys.readouterr()

    assert main(command) == 2

    out, message = capsys.readouterr()
    assert out == ""
    assert message.startswith(f"error: --out 'desk.toml': holds a calibration with {field} ")
    assert (here / "desk.toml").read_text() == text


def test_real_training_is_calibrated(here):
    """Softmax regression on digits, two epochs a trial: a few seconds from nothing to a price."""
    (here / "tiny.toml").write_text(
        'budget.trials = 1\nalgorithms.a.searcher = "random"\nobjectives.softmax = { epochs = 2 }\n'
    )

    assert (
        main(["calibrate", "tiny.toml", "--out", "c.toml", "--configs", "6", "--rounds", "2", "--device", "cpu"]) == 0
    )

    entry = load_calibration("c.toml").cost_model("softmax", {"data": "digits", "split": "standard"})
    terms = OBJECTIVES["softmax"]().cost_terms({"learning_rate": 0.1})
    assert 0 < entry.price(terms, 0, 1) < 10
    assert entry.epoch["steps"] > 0
    assert parse_calibration(tomllib.loads((here / "c.toml").read_text())) == load_calibration("c.toml")


def test_the_name_comes_from_the_file_or_the_device(here):
    """What is not said is taken from what is."""
    _, by_file = calibration_file.open_calibration(None, here / "my-desk.toml", Machine())
    path, by_device = calibration_file.open_calibration(None, None, Machine())

    assert by_file.name == "my-desk"
    assert path.name == f"{by_device.name}.toml"
    assert by_device.name.replace("-", "") in "".join(filter(str.isalnum, by_device.device.lower()))
