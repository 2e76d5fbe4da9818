"""The commands for the first quarter of an hour on a GPU, without one: steps, verdicts, what is carried."""

import json
import sys
import zipfile
from pathlib import Path

import pytest

from tests.perf.gpu import parts
from tests.perf.gpu.session import carry, ledgers, schedule
from tests.perf.gpu.session.machine import problem_of
from tests.perf.gpu.session.predictions import beside_measurements, comparison_table, read_predictions
from tests.perf.gpu.session.steps import GRACE, Report, Step, run_steps
from tests.perf.gpu.session.verdict import exit_code, verdicts

EQUAL = {"equal": 4, "of": 4, "first_difference": None}
UNEQUAL = {"equal": 3, "of": 4, "first_difference": "trial 2, epoch 1: errors 0.5 and 0.25"}
LEAVE = "import os, pathlib; pathlib.Path(os.environ['INCUMBENT_STEP_RESULT']).write_text('{}'); "


def script(name, text, limit=20.0, **options):
    """A step that is a few lines of Python, without the site's packages: they take time to find."""
    return Step(name=name, command=(sys.executable, "-I", "-S", "-c", text), limit=limit, **options)


def run(folder, steps, **options):
    """The outcomes of steps, as the report's file has them."""
    report = Report(folder / "report.json")
    run_steps(steps, report, log=folder / "log", environment={}, **options)
    return json.loads((folder / "report.json").read_text())["steps"]


def test_a_step_that_hangs_or_crashes_costs_only_itself(tmp_path):
    """Each outcome is kept with its reason, a step's last lines too, and the steps behind it run."""
    steps = [
        script("leaves", LEAVE.format('{"rate": 3}')),
        script("fails", "print('why'); raise SystemExit(3)"),
        script("hangs", "import time; time.sleep(60)", limit=0.1),
        script("crashes", "import os; os.kill(os.getpid(), 11)"),
        script("runs out", "import time; time.sleep(60)", limit=0.1, may_run_out=True),
        script("last", "pass"),
    ]
    found = run(tmp_path, steps)

    assert {name: step["outcome"] for name, step in found.items()} == {
        "leaves": "ok",
        "fails": "failed",
        "hangs": "failed",
        "crashes": "failed",
        "runs out": "time used up",
        "last": "ok",
    }
    assert found["leaves"]["result"] == {"rate": 3}
    assert found["fails"]["output"] == ["why"]
    assert [found[name]["reason"] for name in ("fails", "hangs", "crashes")] == [
        "exit code 3",
        "time limit of 0 s",
        "signal SIGSEGV",
    ]
    assert "== fails" in (tmp_path / "log").read_text()


def test_steps_behind_a_failure_or_the_end_of_the_time_are_not_run(tmp_path):
    """They are in the report with the reason."""
    steps = [script("first", "raise SystemExit(1)"), script("second", "pass")]

    stopped = run(tmp_path, steps, stop_at_failure=True)
    assert verdicts(stopped)["steps"] == "0 of 2 done; failed: first (exit code 1); not run: second"
    assert stopped["second"] == {"outcome": "not run", "reason": "first failed"}
    found = run(
        tmp_path, [script("hangs", "import time; time.sleep(60)"), script("second", "pass")], seconds=GRACE + 0.1
    )
    assert found["hangs"]["reason"] == "time limit of 0 s"
    assert found["second"] == {"outcome": "not run", "reason": "no time is left"}
    assert run(tmp_path, steps, seconds=GRACE)["first"] == {"outcome": "not run", "reason": "no time is left"}


@pytest.mark.parametrize(
    ("steps", "bits", "code"),
    [
        ({"bits/a": [EQUAL], "rates/b": None}, "identical (1 checks)", 0),
        ({"bits/a": [EQUAL], "ledgers/b": [EQUAL, UNEQUAL]}, "DIFFERENT at ledgers/b: 1: trial 2", 1),
        ({"bits/a": [UNEQUAL], "ledgers/b": [UNEQUAL]}, "DIFFERENT at bits/a: 0: trial 2", 1),
        ({"bits/a": [EQUAL], "bits/b": None}, "not checked: bits/b", 1),
        ({"bits/a": [EQUAL | {"equal": 0, "of": 0}]}, "not checked: bits/a", 1),
        ({"rates/a": None}, "not checked", 0),
    ],
)
def test_the_verdict(steps, bits, code):
    """Bits are identical only where every check has compared something and found no difference."""
    found = {}
    for name, checks in steps.items():
        result = {} if checks is None else {"checks": {str(number): check for number, check in enumerate(checks)}}
        outcome = "ok" if name.startswith("rates") or checks == [EQUAL] else "failed"
        found[name] = {"outcome": outcome, "reason": "exit code 1", "result": result}

    assert verdicts(found)["bits"].startswith(bits)
    assert verdicts(found)["reference"].startswith("not checked")
    assert exit_code(found) == code


def test_trials_far_from_the_reference_loop_are_named():
    """Every check of bits but that of the random numbers says how far its trials are from the reference loop."""
    found = {"bits/philox": {"outcome": "ok", "result": {"checks": {"a": EQUAL}}}}
    near = {"outcome": "ok", "result": {"checks": {"a": EQUAL}, "reference": {"ieee": EQUAL}}}
    far = {
        "outcome": "failed",
        "reason": "exit code 1",
        "result": {"checks": {"a": EQUAL}, "reference": {"tf32": UNEQUAL}},
    }

    assert verdicts(found | {"bits/a": near})["reference"] == "agrees (1 checks)"
    assert verdicts(found | {"bits/a": near, "bits/b": far})["reference"].startswith("DISAGREES at bits/b: tf32: trial")


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ({"device": None}, ["ieee"]),
        ({"device": "old", "compute_capability": [7, 5]}, ["ieee"]),
        ({"device": "new", "compute_capability": [9, 0]}, ["bf16x6", "ieee", "tf32x3", "tf32"]),
    ],
)
def test_a_machine_is_asked_for_the_precisions_it_has(machine, expected):
    """The device's default comes first."""
    assert list(schedule.precisions_of(machine)) == expected


@pytest.mark.parametrize(
    ("machine", "missing", "interpreted", "words"),
    [
        ({"torch": "2.11", "device": "gpu"}, [], False, "has no triton; name a Python"),
        ({"torch": "2.11", "triton": "3.6", "device": "gpu"}, ["orjson"], False, "make gpu-carry WHEELS='orjson'"),
        ({"torch": "2.11", "triton": "3.6", "device": None}, [], False, "no CUDA device here; --interpret"),
        ({"torch": "2.11", "triton": "3.6", "device": None}, [], True, None),
        ({"torch": "2.11", "triton": "3.6", "device": "gpu"}, [], False, None),
    ],
)
def test_a_machine_on_which_nothing_runs_is_told_why(machine, missing, interpreted, words):
    """The reason comes with what to do about it."""
    problem = problem_of(machine, missing, interpreted=interpreted)

    assert problem is None if words is None else words in problem


def test_every_part_is_known():
    """The names of the parts that the two commands run are those of the measurements."""
    place = schedule.Place(interpreted=False, data=None, work=Path("work"), out=Path("out"))
    for steps in schedule.STEPS.values():
        names = [step.name for step in steps(place) if "part" in step.command]
        assert names
        assert set(names) <= set(parts.part_names())


def test_predictions_stand_beside_what_was_measured(tmp_path):
    """Of the quantities that a report has, whichever they are; without a file of predictions there are none."""
    prediction = {"network": "lenet", "precision": "ieee", "seconds": 200.0, "training": 120.0, "waiting": 30.0}
    (tmp_path / "predictions.json").write_text(json.dumps({"after": [prediction | {"ratio": 16.0}], "before": []}))
    steps = {
        "rates/lenet/ieee": {"result": {"training_s": 300.0}},
        "ratios/lenet/ieee": {"result": {"ratio": {"tight": {"median": 8.0}, "vmap": {"median": 1.0}}}},
        "comparison/lenet/ieee": {"outcome": "failed"},
        "comparison/lenet/tf32": {"result": {"whole_s": 1.0}},
    }
    rows = list(beside_measurements(read_predictions(tmp_path / "predictions.json"), steps))

    assert [(row["step"], row["quotient"]) for row in rows] == [("rates/lenet/ieee", 2.0), ("ratios/lenet/ieee", 0.5)]
    assert comparison_table(rows).count("\n") == 2
    assert read_predictions(tmp_path / "absent.json") == []


def records(state, train_seconds):
    return [{"kind": "header"}, {"kind": "evaluation", "index": 0, "state": state, "train_seconds": train_seconds}]


def test_ledgers_are_compared_without_what_is_measured():
    """Another time is no difference; another state, and an evaluation too few, is one that is named."""
    one = {"a": records("ok", 1.0), "b": records("ok", 1.0)}
    other = {"a": records("ok", 2.0), "b": records("diverged", 1.0)}

    assert ledgers.agreement(one, one | {"a": records("ok", 2.0)}) == {"equal": 2, "of": 2, "first_difference": None}
    assert ledgers.agreement(one, other) == {"equal": 1, "of": 2, "first_difference": "b: evaluation 0: state"}
    assert ledgers.agreement(one, {"a": one["a"]})["first_difference"] == "b: 1 evaluations and 0"


def test_equal_failures_are_no_success():
    """Evaluations that failed alike in two folders have equal ledgers, and are named."""
    ledger = {"a": [*records("ok", 1.0), *records("diverged", 1.0)[1:], *records("error", 1.0)[1:]]}

    assert ledgers.trained_to_an_end(ledger) == {"equal": 2, "of": 3, "first_difference": "a: error"}


def test_another_route_than_the_kernels_is_a_difference():
    """A suite that fell back to torch.func says nothing about the kernels."""
    header = {"run": {"objective": {"part": {"name": "lenet"}}}, "environment": {"arithmetic": "functional"}}
    kernels = {**header, "environment": {"arithmetic": "triton-ieee"}}
    closed_form = {**header, "run": {"objective": {"part": {"name": "branin"}}}}
    found = ledgers.trained_by_kernels({"a": [kernels], "b": [header], "c": [closed_form]})

    assert (found["equal"], found["of"]) == (1, 2)
    assert found["first_difference"].startswith("b: route")


def test_what_was_packed_is_unpacked(tmp_path):
    """Data, compiled kernels and the wheels of libraries that are not installed; new kernels are counted."""
    source, carried, work = (tmp_path / name for name in ("source", "carried", "work"))
    (source / "kernel").mkdir(parents=True)
    (carried / "wheels").mkdir(parents=True)
    carry.pack_kernels(source, carried / carry.KERNELS)
    (source / "images-idx3-ubyte").write_bytes(bytes(range(256)))
    carry.pack_data([source / "images-idx3-ubyte"], carried / "fashion_mnist")
    for name in ("numpy", "no_such_library"):
        with zipfile.ZipFile(carried / "wheels" / f"{name}-1-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", "")

    found = carry.unpack(carried, work)

    assert (found.data / carry.RAW / "images-idx3-ubyte").read_bytes() == bytes(range(256))
    assert found.content == {"fashion_mnist": True, "kernels": 1, "libraries": ["no_such_library"]}
    assert (work / "libraries" / "no_such_library.py").exists()
    assert found.environment["PYTHONPATH"].startswith(str(work / "libraries"))
    (Path(found.environment["TRITON_CACHE_DIR"]) / "another").mkdir()
    assert found.count_new_kernels() == 1


@pytest.mark.parametrize("name", ["fashion_mnist/images.xz", "wheels/no_such_library-1.whl", carry.KERNELS])
def test_what_arrived_damaged_is_refused(name, tmp_path, capsys):
    """Exit code 2 and the file's folder with the remedy, before any step."""
    file = tmp_path / "carried" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(b"torn")

    with pytest.raises(SystemExit, match="2"):
        schedule.main(["first", "--out", str(tmp_path / "out"), "--carried", str(tmp_path / "carried")])

    assert "make gpu-carry" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "value"), [("--data", "nowhere"), ("--kernels", "nowhere")])
def test_what_is_not_there_cannot_be_carried(option, value, tmp_path, capsys):
    """Exit code 2, and the folder is left as it was."""
    kept = tmp_path / "to" / "kept"
    kept.mkdir(parents=True)

    with pytest.raises(SystemExit, match="2"):
        carry.main(["--to", str(tmp_path / "to"), option, value])

    assert "nowhere" in capsys.readouterr().err
    assert kept.exists()
