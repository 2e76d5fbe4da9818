"""Addresses of clusters: malformed ones, ones where nothing listens, and listeners that are not a cluster."""

import socket
from importlib import import_module
from importlib.util import find_spec

import pytest

from benchmark.backends.address import UNREACHABLE, check_reachable
from benchmark.errors import BadInput, short_repr
from benchmark.storage.resume_check import RunRefused


@pytest.fixture
def listener():
    """The address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def backend_module(name):
    """The module of a cluster's backend, whose library has to be installed."""
    if find_spec({"dask": "distributed", "ray": "ray"}[name]) is None:
        pytest.skip(f"{name} is not installed")
    return import_module(f"benchmark.backends.{name}")


def enter(context):
    """Enter a context and leave it."""
    with context:
        pass


@pytest.mark.parametrize(
    "address",
    ["", "a", ":1", "a:", "a:x", "http://a:1", "://a:1", "a:123456", "a:65536", "a:0", "a:-1", "a:\u0661", "tcp://"],
)
def test_a_malformed_address_is_refused(address):
    """The message has the option, the text and every allowed form; no connection is tried."""
    with pytest.raises(BadInput) as refused:
        check_reachable("--scheduler", address, ("tcp", "tls"))

    assert str(refused.value) == (
        f"--scheduler {short_repr(address)}: need HOST:PORT or tcp://HOST:PORT, tls://HOST:PORT"
    )


def test_an_address_where_nothing_listens_is_refused(listener):
    """The message has option, address and remedy; where a server listens, the address passes with or without scheme."""
    check_reachable("--address", listener, ("ray",))
    check_reachable("--address", f"ray://{listener}", ("ray",))
    with socket.create_server(("127.0.0.1", 0)) as server:
        unused_address = f"127.0.0.1:{server.getsockname()[1]}"

    with pytest.raises(BadInput) as refused:
        check_reachable("--address", unused_address, ("ray",))

    assert str(refused.value).startswith(f"--address '{unused_address}': {UNREACHABLE} (ConnectionRefusedError: ")
    assert UNREACHABLE == "no cluster answers there; check that it runs and that this machine can reach it"


def test_a_listener_that_is_no_dask_scheduler_is_refused(listener, monkeypatch):
    """A server that does not answer as Dask does gets the same message, with the error of Dask."""
    module = backend_module("dask")

    def silent(*arguments, **options):
        raise TimeoutError("Timed out trying to connect")

    monkeypatch.setattr(module, "Client", silent)
    with pytest.raises(BadInput) as refused:
        enter(module.Dask(2, listener).connect_cluster())

    assert str(refused.value) == (
        f"--scheduler '{listener}': {UNREACHABLE} (TimeoutError: Timed out trying to connect)"
    )


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("tcp://a:1", "--scheduler tcp://a:1: it has no workers; start some: dask worker tcp://a:1"),
        (None, "--backend dask: no worker has started within 10 s; its output says why"),
    ],
)
def test_a_dask_scheduler_without_workers_is_refused(address, message):
    """The message gives the command that starts a worker; for a cluster started here it says where to look."""
    module = backend_module("dask")

    class Idle:
        def wait_for_workers(self, count, timeout):
            raise TimeoutError("Only 0/1 workers arrived")

    with pytest.raises(RunRefused) as refused:
        module.Dask(2, address)._choose_jobs(Idle())

    assert str(refused.value) == message


@pytest.fixture
def ray(monkeypatch):
    """The module of Ray's backend, with a `ray` library that starts nothing."""
    module = backend_module("ray")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setattr(module.ray, "init", lambda **options: None)
    monkeypatch.setattr(module.ray, "shutdown", lambda: None)
    return module


def test_a_listener_that_is_no_ray_cluster_is_refused(ray, listener, monkeypatch):
    """The same message, with the error of Ray."""

    def silent(**options):
        raise ConnectionError("Failed to connect to GCS")

    monkeypatch.setattr(ray.ray, "init", silent)
    with pytest.raises(BadInput) as refused:
        enter(ray.Ray(2, listener).connect_cluster())

    assert str(refused.value) == f"--address '{listener}': {UNREACHABLE} (ConnectionError: Failed to connect to GCS)"


def test_a_ray_cluster_of_our_own_that_does_not_start_is_reported(ray, monkeypatch):
    """The message names no address, since none was given."""

    def failing(**options):
        raise RuntimeError("no room in /dev/shm")

    monkeypatch.setattr(ray.ray, "init", failing)
    with pytest.raises(BadInput) as refused:
        enter(ray.Ray(2, None).connect_cluster())

    assert str(refused.value) == "--backend ray: no cluster starts here (RuntimeError: no room in /dev/shm)"


def test_a_ray_cluster_without_processors_is_refused(ray, listener, monkeypatch):
    """The message gives the command that adds a node."""
    monkeypatch.setattr(ray.ray, "cluster_resources", dict)
    with pytest.raises(RunRefused) as refused:
        enter(ray.Ray(2, listener).connect_cluster())

    assert str(refused.value) == f"--address {listener}: it has no CPUs; start nodes: ray start --address=..."
