"""Backends: a Dask or a Ray cluster gives the bytes of one process, and faults of workers lose or stop nothing."""

import os
import signal
import sys
from importlib.util import find_spec

import pytest

from benchmark.backends import factory
from benchmark.cli.main import main
from benchmark.errors import BadInput
from benchmark.storage.ledger_format import read_ledger
from tests.benchmark.backends.suites import DIGITS, free_port, toy
from tests.benchmark.commands import find_marked_processes, run, start_suite, wait_for_exit, wait_for_lines, write_suite
from tests.benchmark.export import ledgers

LIBRARY = {"dask": "distributed", "ray": "ray"}
CLOSED_FORM = """
seed = 5
repetitions = 3
clock = "modelled"
calibration = "prices.toml"
budget.epochs = 27
objectives.branin = { noise = 1.0, epochs = 9 }
objectives.hartmann6 = { noise = 0.05, epochs = 9 }
algorithms.random.searcher = "random"
algorithms.halving = { scheduler = "successive_halving", searcher = "random" }
"""


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.faults, pytest.mark.clusters]) for name in LIBRARY])
def backend(request):
    """A cluster's backend whose library is installed."""
    if find_spec(LIBRARY[request.param]) is None:
        pytest.skip(f"{request.param} is not installed")
    return request.param


def states(folder):
    """The states of all evaluations in a folder, with their x."""
    records = [r for path in (folder / "tiny").glob("runs/*/*/*.jsonl") for r in read_ledger(path).records]
    return [(record["config"]["x"], record["state"]) for record in records if record["kind"] == "evaluation"]


@pytest.fixture(scope="module", params=[CLOSED_FORM, DIGITS], ids=["closed_form", "digits"])
def one_process(request, tmp_path_factory):
    """A suite and what one process records of it."""
    folder = write_suite(tmp_path_factory.mktemp("one"), request.param)
    run(folder, "--jobs", "1")
    return request.param, ledgers(folder / "tiny")


def test_two_workers_give_the_bytes_of_one_process(one_process, backend, tmp_path):
    """Ledgers of a local cluster are those of one process: header and records, but for what is measured."""
    text, expected = one_process

    told = run(write_suite(tmp_path, text), "--backend", backend, "--jobs", "2")

    assert ledgers(tmp_path / "tiny") == expected
    assert len(expected) in (8, 12)
    assert f"[{len(expected)}/{len(expected)}]" in told
    assert not list((tmp_path / "tiny").glob(".pulse*")) + list((tmp_path / "tiny").glob(".answer*"))


@pytest.mark.parametrize("first", ["cluster", pytest.param("here", marks=pytest.mark.faults)])
def test_the_backend_may_change_between_two_halves(backend, tmp_path, first):
    """Interrupted on a cluster, a suite goes on in this process, or the other way round, to the same bytes."""
    text = toy("cluster_objectives:SlowCrashing", repetitions=4, trials=10)
    run(write_suite(tmp_path / "whole", text), "--jobs", "1", "--quiet")
    folder = write_suite(tmp_path / "halves", text)
    cluster, here = ("--backend", backend, "--jobs", "2"), ("--jobs", "1")
    before, after = (cluster, here) if first == "cluster" else (here, cluster)
    command = start_suite(folder, *before, INCUMBENT_MARK=str(folder))
    wait_for_lines(command, folder, 8)

    os.killpg(command.pid, signal.SIGINT)  # As Ctrl-C does: everything in the terminal hears it.
    code, out, err = wait_for_exit(command, limit=30)

    assert code == 130, out + err
    assert "-m benchmark run " in err.partition("To go on: ")[2]
    assert "Traceback" not in err
    assert find_marked_processes(folder) == []
    assert len(list((folder / "tiny").glob("runs/*/*/*.part"))) >= 1
    run(folder, *after)
    assert ledgers(folder / "tiny") == ledgers(tmp_path / "whole" / "tiny")


@pytest.mark.parametrize("how", ["SIGKILL", pytest.param("exit", marks=pytest.mark.faults)])
def test_a_trial_that_kills_once_costs_only_itself(backend, tmp_path, how):
    """A trial's death in the middle takes no worker and nothing finished with it."""
    folder = write_suite(tmp_path, toy("crashing:Crashing", marker=str(tmp_path / "died"), how=how))

    run(folder, "--backend", backend, "--jobs", "2")

    assert (tmp_path / "died").exists()
    assert [state for _, state in states(folder)] == ["ok"] * 20


def test_a_trial_that_always_kills_ends_as_crashed(backend, tmp_path):
    """Deadly trials are stored as crashed wherever they are asked for, and the suite completes around them."""
    folder = write_suite(tmp_path, toy("crashing:Crashing", limit=0.8, repetitions=2))

    run(folder, "--backend", backend, "--jobs", "2")

    found = states(folder)
    assert len(found) == 10
    assert all((state == "crashed") == (x > 0.8) for x, state in found)
    assert "crashed" in [state for _, state in found]


def test_a_lost_worker_costs_only_what_was_in_flight(backend, tmp_path):
    """The only worker, killed with its trial as when a node fails, is replaced; nothing is trained in the driver."""
    log, marker = tmp_path / "log", tmp_path / "died"
    folder = write_suite(tmp_path, toy("cluster_objectives:WorkerKilling", marker=str(marker), log=str(log)))

    run(folder, "--backend", backend, "--jobs", "1")

    assert log.read_text() == "died\n"
    assert [state for _, state in states(folder)] == ["ok"] * 20


@pytest.mark.faults
def test_a_trial_that_always_takes_its_worker_ends_as_crashed(backend, tmp_path):
    """Where even joblib's Dask backend waits for good, the evaluation is given up and the suite completes."""
    log = tmp_path / "log"
    folder = write_suite(
        tmp_path, toy("cluster_objectives:WorkerKilling", limit=0.9, repetitions=2, trials=4, log=str(log))
    )

    told = run(folder, "--backend", backend, "--jobs", "2")

    found = states(folder)
    crashed = [x for x, state in found if state == "crashed"]
    assert len(found) == 8
    assert {x for x, _ in found if x > 0.9} == set(crashed)
    assert len(crashed) >= 1
    assert "worker" in told
    assert log.read_text().count("died") >= 2


@pytest.mark.faults
def test_killed_outright_nothing_is_left_and_the_suite_goes_on(backend, tmp_path):
    """After kill -9 of the driver its local cluster and all children end by themselves; the rest is trained later."""
    text = toy("cluster_objectives:SlowCrashing", repetitions=4, trials=10)
    run(write_suite(tmp_path / "whole", text), "--jobs", "1", "--quiet")
    folder = write_suite(tmp_path / "killed", text)
    command = start_suite(folder, "--backend", backend, "--jobs", "2", INCUMBENT_MARK=str(folder))
    wait_for_lines(command, folder, 8)

    command.kill()
    command.communicate()

    assert find_marked_processes(folder, seconds=30) == []
    run(folder, "--jobs", "2")
    assert ledgers(folder / "tiny") == ledgers(tmp_path / "whole" / "tiny")


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "nowhere.invalid:{port}", "127.0.0.1:none", ""])
def test_an_address_that_nobody_answers_at_is_refused(backend, tmp_path, address):
    """One line with the address, exit code 2, and nothing written."""
    folder = write_suite(tmp_path, toy("crashing:Crashing"))
    address = address.format(port=free_port())
    option, address = ("--address", address) if backend == "ray" else ("--scheduler", f"tcp://{address}")

    code, out, err = wait_for_exit(start_suite(folder, "--backend", backend, option, address), limit=60)

    assert (code, out) == (2, "")
    assert err.startswith(f"error: {option} '{address}': ")
    assert err.count("\n") == 1
    assert not (folder / "tiny").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--backend", "dusk"), "--backend = 'dusk': not one of loky, dask, ray (did you mean \"dask\"?)"),
        (("--scheduler", "tcp://a:1"), "--scheduler 'tcp://a:1': is for --backend dask, not for loky"),
        (("--backend", "dask", "--address", "a:1"), "--address 'a:1': is for --backend ray, not for dask"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, capsys, options, message):
    """An unknown backend, or the address of another one."""
    folder = write_suite(tmp_path, toy("crashing:Crashing"))

    assert main(["run", str(folder / "tiny.toml"), "--results", str(folder), *options]) == 2

    assert message in capsys.readouterr().err
    assert not (folder / "tiny").exists()


@pytest.mark.parametrize(("name", "library", "extra"), [("dask", "distributed", "dask"), ("ray", "ray", "ray-cluster")])
def test_a_missing_library_is_named_with_its_remedy(monkeypatch, name, library, extra):
    """Without the library the backend says what to install."""
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"benchmark.backends.{name}", raising=False)

    with pytest.raises(BadInput, match=rf"{name} is not installed: pip install '\.\[{extra}\]'"):
        factory.build_backend(name, None, 2, None, None)
