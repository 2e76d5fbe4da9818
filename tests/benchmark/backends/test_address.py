"""Addresses of clusters: what is none, where nobody listens, and who listens but is no cluster."""

import socket
from importlib import import_module
from importlib.util import find_spec

import pytest

from benchmark.backends.address import UNREACHABLE, reach
from benchmark.errors import BadInput, short_repr
from benchmark.storage.resume_check import RunRefused


@pytest.fixture
def deaf():
    """The address of somebody who listens and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def engine_of(name):
    """The module of a cluster's engine, whose library has to be installed."""
    if find_spec({"dask": "distributed", "ray": "ray"}[name]) is None:
        pytest.skip(f"{name} is not installed")
    return import_module(f"benchmark.backends.{name}_engine")


def entered(context):
    """Enter a context and leave it."""
    with context:
        pass


@pytest.mark.parametrize(
    "address",
    ["", "a", ":1", "a:", "a:x", "http://a:1", "://a:1", "a:123456", "a:65536", "a:0", "a:-1", "a:\u0661", "tcp://"],
)
def test_what_is_no_address_is_refused(address):
    """The option, the text and every form are told; nobody is called."""
    with pytest.raises(BadInput) as refused:
        reach("--scheduler", address, ("tcp", "tls"))

    assert str(refused.value) == (
        f"--scheduler {short_repr(address)}: need HOST:PORT or tcp://HOST:PORT, tls://HOST:PORT"
    )


def test_an_address_where_nobody_listens_is_refused(deaf):
    """The option, the address and what to look at; where somebody listens, with or without a scheme, nothing."""
    reach("--address", deaf, ("ray",))
    reach("--address", f"ray://{deaf}", ("ray",))
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"127.0.0.1:{server.getsockname()[1]}"

    with pytest.raises(BadInput) as refused:
        reach("--address", nobody, ("ray",))

    assert str(refused.value).startswith(f"--address '{nobody}': {UNREACHABLE} (ConnectionRefusedError: ")
    assert UNREACHABLE == "it answers nobody; see that it runs, and that this machine may reach it"


def test_a_listener_that_is_no_dask_scheduler_is_refused(deaf, monkeypatch):
    """Who takes the connection and never answers as Dask does: the same words, with what Dask said."""
    module = engine_of("dask")

    def silent(*arguments, **options):
        raise TimeoutError("Timed out trying to connect")

    monkeypatch.setattr(module, "Client", silent)
    with pytest.raises(BadInput) as refused:
        entered(module.Dask(2, deaf).connected())

    assert str(refused.value) == (f"--scheduler '{deaf}': {UNREACHABLE} (TimeoutError: Timed out trying to connect)")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("tcp://a:1", "--scheduler tcp://a:1: it has no workers; start some: dask worker tcp://a:1"),
        (None, "--backend dask: no worker has started within 10 s; its output says why"),
    ],
)
def test_a_dask_scheduler_without_workers_is_refused(address, told):
    """The command that starts a worker of it is told; of a cluster of our own, where to look."""
    module = engine_of("dask")

    class Idle:
        def wait_for_workers(self, count, timeout):
            raise TimeoutError("Only 0/1 workers arrived")

    with pytest.raises(RunRefused) as refused:
        module.Dask(2, address)._jobs(Idle())

    assert str(refused.value) == told


@pytest.fixture
def ray(monkeypatch):
    """The module of Ray's engine, with a Ray that starts nothing."""
    module = engine_of("ray")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setattr(module.ray, "init", lambda **options: None)
    monkeypatch.setattr(module.ray, "shutdown", lambda: None)
    return module


def test_a_listener_that_is_no_ray_cluster_is_refused(ray, deaf, monkeypatch):
    """The same words, with what Ray said."""

    def silent(**options):
        raise ConnectionError("Failed to connect to GCS")

    monkeypatch.setattr(ray.ray, "init", silent)
    with pytest.raises(BadInput) as refused:
        entered(ray.Ray(2, deaf).connected())

    assert str(refused.value) == f"--address '{deaf}': {UNREACHABLE} (ConnectionError: Failed to connect to GCS)"


def test_a_ray_cluster_of_our_own_that_does_not_start_is_told(ray, monkeypatch):
    """Without an address that nobody gave."""

    def failing(**options):
        raise RuntimeError("no room in /dev/shm")

    monkeypatch.setattr(ray.ray, "init", failing)
    with pytest.raises(BadInput) as refused:
        entered(ray.Ray(2, None).connected())

    assert str(refused.value) == "--backend ray: no cluster starts here (RuntimeError: no room in /dev/shm)"


def test_a_ray_cluster_without_processors_is_refused(ray, deaf, monkeypatch):
    """The command that adds a node is told."""
    monkeypatch.setattr(ray.ray, "cluster_resources", dict)
    with pytest.raises(RunRefused) as refused:
        entered(ray.Ray(2, deaf).connected())

    assert str(refused.value) == f"--address {deaf}: it has no CPUs; start nodes: ray start --address=..."
