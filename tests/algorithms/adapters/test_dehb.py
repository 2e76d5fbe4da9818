"""DEHB in an environment of its own: what it proposes, and what its worker adds."""

import json
import math
import os
import subprocess

import numpy as np
import pytest
from scipy import stats

from algorithms.external.external import ExternalScheduler, ExternalSearcher
from benchmark.checking import subject
from benchmark.checking.subject import suggestions
from benchmark.checking.toy_tasks import toy_error
from benchmark.suite.model import Budget
from objectives.external.subprocess_client import ExternalError
from objectives.space import FIDELITY, Categorical, Condition, Ordinal, Space
from tests import ROOT
from tests.algorithms.driving import seed_of

PYTHON = ROOT / ".external" / "dehb" / "bin" / "python"
COMMAND = [str(PYTHON), str(ROOT / "algorithms" / "external" / "dehb_worker.py")]
MIXED = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "layers": stats.randint(1, 4),
        "batch": Ordinal([16, 32, 64]),
        "noise": stats.norm(0, 1),
        "activation": Categorical(["relu", 1, "tanh"]),
        "nesterov": Categorical([True, False]),
        "fixed": Categorical(["only"]),
        "width_2": stats.randint(8, 65),
    },
    conditions={"width_2": Condition(parent="layers", values=(2, 3))},
)
DEFAULT = {
    "rate": 0.1,
    "layers": 2,
    "batch": 32,
    "noise": 0.25,
    "activation": "tanh",
    "nesterov": False,
    "fixed": "only",
    "width_2": 16,
}
PLAIN = Space({"rate": stats.loguniform(1e-4, 1), "momentum": stats.uniform(0, 1), "width": stats.randint(8, 65)})

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="no .external/dehb: make dehb")


@pytest.fixture
def dehb():
    """A function that makes a scheduler; its process ends with the test."""
    made = []

    def make(space=MIXED, seed=0, default=DEFAULT, max_epochs=9, role=ExternalScheduler, **options):
        offered = {"rng": np.random.default_rng(seed), "initial_config": default, "max_epochs": max_epochs}
        made.append(role(space, **offered, command=COMMAND, version="0.1.2", options=options))
        return made[-1]

    yield make
    for scheduler in made:
        scheduler.close()


def drive(scheduler, space=MIXED, evaluations=40, n_workers=1, error_of=toy_error):
    """The jobs of a run on toy outcomes that end out of order."""
    options = {"budget": Budget(evaluations=evaluations), "n_workers": n_workers}
    return subject.drive(scheduler, space, lambda job: error_of(job.suggestion), **options)[0]


ALONE = """
import json, sys, tempfile, warnings
warnings.simplefilter("ignore")
import ConfigSpace
from dehb import DEHB
seed, errors = json.loads(sys.argv[1])
space = ConfigSpace.ConfigurationSpace()
space.add(
    ConfigSpace.Float("rate", (1e-4, 1), log=True),
    ConfigSpace.Float("momentum", (0, 1)),
    ConfigSpace.Integer("width", (8, 64)),
)
with tempfile.TemporaryDirectory() as folder:
    dehb = DEHB(
        cs=space, min_fidelity=1, max_fidelity=9, n_workers=1, seed=seed, save_freq="end", output_path=folder
    )
    proposed = []
    for error in errors:
        job = dehb.ask()
        config = {name: value.item() if hasattr(value, "item") else value for name, value in job["config"].items()}
        proposed.append([config, job["fidelity"]])
        dehb.tell(job, {"fitness": error, "cost": 1.0})
print(json.dumps(proposed))
"""


def test_it_proposes_what_dehb_proposes_alone(dehb):
    """Told the same with the same seed, and without a default, the adapter changes nothing."""
    errors = [round(toy_error({"x": index}), 3) for index in range(60)]
    scheduler, proposed = dehb(PLAIN, default=None), []
    for error in errors:
        proposed.append(scheduler.suggest())
        scheduler.update(proposed[-1], error)
    arguments = [str(PYTHON), "-c", ALONE, json.dumps([seed_of(0), errors])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    outcome = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True)
    alone = json.loads(outcome.stdout)
    assert proposed == [{**config, FIDELITY: round(fidelity)} for config, fidelity in alone]


@pytest.mark.parametrize("n_workers", [1, 3])
def test_a_fresh_process_repeats_it(dehb, n_workers):
    """The same seed and results bring the same proposals, in parallel and out of order too; another seed others."""
    one, two, other = (suggestions(drive(dehb(seed=seed), n_workers=n_workers)) for seed in (1, 1, 2))
    assert one == two
    assert one != other


def test_it_stays_in_the_space(dehb):
    """All kinds of hyperparameters, conditions included, in range and in Python's own types."""
    configs = [job.config for job in drive(dehb(), evaluations=80)]
    for config in configs:
        checked = MIXED.check(config)
        assert checked == config
        assert [type(config[name]) for name in checked] == [type(value) for value in checked.values()]
    for name in ("layers", "batch", "activation", "nesterov"):
        assert len({config.get(name) for config in configs}) > 1
    assert {"width_2" in config for config in configs} == {True, False}


def test_rungs_are_whole_epochs(dehb):
    """The first Hyperband bracket of eta = 3 and 9 epochs: 9 configurations, the best 3, the best."""
    jobs = drive(dehb(), evaluations=22)
    assert [job.epochs for job in jobs] == [1] * 9 + [3] * 3 + [9] + [3] * 3 + [9] + [9] * 3 + [1] * 2
    ranked = sorted(suggestions(jobs)[:9], key=toy_error)
    promoted = [{**config, FIDELITY: 3} for config in ranked[:3]]
    assert suggestions(jobs)[9:12] == promoted
    assert [job.start_epoch for job in jobs[9:13]] == [1, 1, 1, 3]


@pytest.mark.parametrize(
    ("max_epochs", "eta", "rungs"),
    [(9, 2, [1, 2, 4, 9]), (20, 3, [2, 7, 20]), (1331, 11, [1, 11, 121, 1331])],
)
def test_rungs_that_do_not_divide_are_rounded(dehb, max_epochs, eta, rungs):
    """No rung is lost to a logarithm, and none is a broken number of epochs."""
    scheduler, seen = dehb(PLAIN, default=None, max_epochs=max_epochs, eta=eta), set()
    for _ in range(eta ** (len(rungs) - 1) + 200):
        if len(seen) == len(rungs):
            break
        config = scheduler.suggest()
        seen.add(config[FIDELITY])
        scheduler.update(config, toy_error(config))
    assert sorted(seen) == rungs


def test_a_training_of_one_epoch_is_every_rungs(dehb):
    """Where there is one epoch alone, each proposal trains it, and later ones are still new configurations."""
    scheduler, seen = dehb(PLAIN, default=None, max_epochs=1), []
    for _ in range(30):
        config = scheduler.suggest()
        seen.append(config)
        scheduler.update(config, toy_error(config))
    assert {config[FIDELITY] for config in seen} == {1}
    assert len({tuple(config.items()) for config in seen}) > 15


def test_the_default_is_learned_of(dehb):
    """The default comes first, is promoted exactly as it is when it is the best, and mutants take from it."""
    jobs = drive(dehb(), error_of=lambda config: float(config["rate"] != 0.1), evaluations=60)
    assert suggestions(jobs)[0] == {**DEFAULT, FIDELITY: 1}
    assert [job.epochs for job in jobs if job.trial == 0] == [1, 3, 9]
    assert sum(job.config["rate"] == 0.1 for job in jobs if job.trial) > 3


@pytest.mark.parametrize("error", [math.inf, 0.9, 0.0, -3.0])
def test_results_that_tell_nothing_are_survived(dehb, error):
    """All trials crashed, or all equal: the search goes on through all rungs."""
    jobs = drive(dehb(), evaluations=45, error_of=lambda config: error)
    assert len(jobs) == 45
    assert {job.epochs for job in jobs} == {1, 3, 9}


def test_crashed_trials_are_not_promoted(dehb):
    """Of nine configurations the six that crashed are not among the three that go on."""
    crashed = {index: math.inf if index % 3 else 0.5 for index in range(9)}
    scheduler, first = dehb(), []
    for index in range(9):
        first.append(scheduler.suggest())
        scheduler.update(first[-1], crashed[index])
    promoted = []
    for _ in range(3):
        promoted.append(scheduler.suggest())
        scheduler.update(promoted[-1], 0.5)
    key = [repr({**config, FIDELITY: 3}) for config in first]
    assert {key.index(repr(config)) for config in promoted} == {0, 3, 6}


def test_a_space_of_one_point_is_searched(dehb):
    """Constants alone: equal proposals, told apart by their numbers."""
    point = Space({"width": stats.randint(3, 4), "nesterov": Categorical([True])})
    jobs = drive(dehb(point, default={"width": 3, "nesterov": True}), point, n_workers=3)
    assert len(jobs) == 40
    assert {repr(job.config) for job in jobs} == {"{'width': 3, 'nesterov': True}"}


def test_it_says_what_it_is(dehb):
    """Versions of all that decides a proposal."""
    scheduler = dehb()
    assert set(scheduler.versions) == {"DEHB", "ConfigSpace", "numpy"}
    assert scheduler.versions["DEHB"] == "0.1.2"
    assert scheduler.versions["numpy"].startswith("1.26")
    assert scheduler.lacks == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"eta": 1}, r"options\.eta = 1: need a whole number >= 2"),
        ({"eta": 2.5}, r"options\.eta = 2\.5: need a whole number >= 2"),
        ({"min_epochs": 4}, r"max_epochs = 9: DEHB needs two rungs, so min_epochs \* eta at least"),
        ({"etta": 3}, r"options etta: unknown, allowed are eta, min_epochs, mutation_factor"),
        ({"role": ExternalSearcher}, r"protocol 1, role 'searcher': this is a scheduler that speaks 1"),
    ],
)
def test_what_dehb_cannot_do_is_refused(dehb, options, message):
    """The worker's last words are the error."""
    algorithm = dehb(**options)
    with pytest.raises(ExternalError, match=message):
        algorithm.update(DEFAULT, 0.5)


def test_it_leaves_no_files(dehb, tmp_path, monkeypatch):
    """DEHB's log and checkpoints are nowhere, neither here nor in the temporary folder."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    drive(dehb(), evaluations=15)
    assert list(tmp_path.iterdir()) == []
