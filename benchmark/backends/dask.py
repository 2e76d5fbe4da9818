"""Executes a suite's runs on a Dask cluster: one at an address, or one of processes on this machine."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmark.backends.address import SECONDS_TO_CONNECT, UNREACHABLE, check_reachable
from benchmark.backends.cluster import Cluster, FailFastBackend
from benchmark.errors import BadInput, one_line, short_repr
from benchmark.storage.resume_check import RunRefused
from benchmark.workers import cluster_worker
from benchmark.workers.handshake import Handshake
from benchmark.workers.worker_process import shielded_from_terminal
from objectives.registry import install_command

SECONDS_FOR_WORKERS = 10

try:
    import dask
    from distributed import Client, KilledWorker, LocalCluster
    from joblib._dask import DaskDistributedBackend
except ImportError as error:
    raise BadInput(f"--backend dask: dask is not installed: {install_command('dask')} ({one_line(error)})") from error


class FailFastDask(FailFastBackend, DaskDistributedBackend):  # type: ignore[misc]  # untyped
    """joblib's Dask backend, which also learns of tasks that failed without having run."""

    def effective_n_jobs(self, n_jobs: int) -> int:
        return max(2, n_jobs)  # With one, as while the other workers start again, joblib would train in the driver.


class Dask(Cluster):
    name = "dask"
    worker_death_errors = (KilledWorker,)

    @contextmanager
    def connect_cluster(self) -> Iterator[int]:
        # We report a lost connection once; Dask's own messages would fill the screen.
        for name in ("distributed", "distributed.client", "distributed.worker", "distributed.nanny"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        if self.address is None:
            with self._start_local_cluster() as client:
                yield self._choose_jobs(client)
            return
        check_reachable("--scheduler", self.address, ("tcp", "tls"))
        try:
            client = Client(self.address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
        except (OSError, TimeoutError, ValueError, ImportError) as error:
            raise BadInput(f"--scheduler {short_repr(self.address)}: {UNREACHABLE} ({one_line(error)})") from error
        self.client = client
        try:
            yield self._choose_jobs(client)
        finally:
            with suppress(TimeoutError, OSError):
                client.close(timeout=2)

    def probe_workers(self, handshake: Handshake, path: Path, text: str) -> dict[str, list[str]]:
        answers: dict[str, Any] = self.client.run(cluster_worker.probe, handshake, path, text, on_error="return")
        return {
            where: [f"cannot work ({one_line(answer)}); has it incumbent?"] if isinstance(answer, Exception) else answer
            for where, answer in answers.items()
        }

    def build_joblib_backend(self) -> FailFastDask:
        return FailFastDask(client=self.client, retries=0, pure=False)

    @contextmanager
    def _start_local_cluster(self) -> Iterator[Client]:
        """Start processes of one thread each, without a dashboard and without Dask's limit of memory."""
        one_failure = dask.config.set({"distributed.scheduler.allowed-failures": 1})
        with shielded_from_terminal(), one_failure:
            cluster = LocalCluster(
                n_workers=self.jobs,
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address=None,
                host="127.0.0.1",
                silence_logs=logging.CRITICAL,
            )
        with cluster, Client(cluster, set_as_default=False) as client:
            self.client = client
            try:
                yield client
            finally:
                _kill_workers(cluster)

    def is_connected(self) -> bool:
        return bool(self.client.status != "closed")

    def _choose_jobs(self, client: Client) -> int:
        """Return the requested number of jobs, else one for every thread of the cluster.

        Raises:
            RunRefused: the cluster has no workers and none arrives.
        """
        try:
            client.wait_for_workers(1, timeout=SECONDS_FOR_WORKERS)
        except TimeoutError as error:
            if self.address is None:
                problem = f"--backend dask: no worker has started within {SECONDS_FOR_WORKERS} s; its output says why"
            else:
                problem = f"--scheduler {self.address}: it has no workers; start some: dask worker {self.address}"
            raise RunRefused(problem) from error
        return self.requested_jobs or sum(client.ncores().values())


def _kill_workers(cluster: LocalCluster) -> None:
    """Kill local workers: all that counts is on the disk, and closing them in order takes seconds."""
    for nanny in cluster.workers.values():
        nanny.auto_restart = False
        if nanny.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(nanny.pid, signal.SIGKILL)
