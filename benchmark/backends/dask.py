"""A Dask cluster as an engine: one that runs at an address, or one of processes on this machine."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmark.backends.address import SECONDS_TO_CONNECT, UNREACHABLE, reach
from benchmark.backends.cluster import Cluster, FailFastBackend
from benchmark.errors import BadInput, one_line, short_repr
from benchmark.storage.resume_check import RunRefused
from benchmark.workers import cluster_worker
from benchmark.workers.handshake import Handshake
from benchmark.workers.worker_process import shielded_from_terminal

SECONDS_FOR_WORKERS = 10

try:
    import dask
    from distributed import Client, KilledWorker, LocalCluster
    from joblib._dask import DaskDistributedBackend
except ImportError as error:
    raise BadInput(f"--backend dask: dask is not installed: pip install '.[dask]' ({one_line(error)})") from error


class FailingDask(FailFastBackend, DaskDistributedBackend):  # type: ignore[misc]  # untyped
    """joblib's backend for Dask that also hears of tasks which failed without having run."""

    def effective_n_jobs(self, n_jobs: int) -> int:
        return max(2, n_jobs)  # With one, as while the other workers start again, joblib would train in the driver.


class Dask(Cluster):
    name = "dask"
    lost = (KilledWorker,)

    @contextmanager
    def connected(self) -> Iterator[int]:
        # Lost connections are told once, by us; Dask's own words fill the screen.
        for name in ("distributed", "distributed.client", "distributed.worker", "distributed.nanny"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        if self.address is None:
            with self._local() as client:
                yield self._jobs(client)
            return
        reach("--scheduler", self.address, ("tcp", "tls"))
        try:
            client = Client(self.address, timeout=SECONDS_TO_CONNECT, set_as_default=False)
        except (OSError, TimeoutError, ValueError, ImportError) as error:
            raise BadInput(f"--scheduler {short_repr(self.address)}: {UNREACHABLE} ({one_line(error)})") from error
        self.client = client
        try:
            yield self._jobs(client)
        finally:
            with suppress(TimeoutError, OSError):
                client.close(timeout=2)

    def probes(self, terms: Handshake, path: Path, text: str) -> dict[str, list[str]]:
        found: dict[str, Any] = self.client.run(cluster_worker.probe, terms, path, text, on_error="return")
        return {
            where: [f"cannot work ({one_line(answer)}); has it incumbent?"] if isinstance(answer, Exception) else answer
            for where, answer in found.items()
        }

    def joblib_backend(self) -> FailingDask:
        return FailingDask(client=self.client, retries=0, pure=False)

    @contextmanager
    def _local(self) -> Iterator[Client]:
        """Processes of one thread each, without a dashboard and without Dask's limit of memory."""
        few = dask.config.set({"distributed.scheduler.allowed-failures": 1})
        with shielded_from_terminal(), few:
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
                _kill(cluster)

    def alive(self) -> bool:
        return bool(self.client.status != "closed")

    def _jobs(self, client: Client) -> int:
        """As many as were asked for, else one for every thread of the cluster.

        Raises:
            RunRefused: it has none and none comes.
        """
        try:
            client.wait_for_workers(1, timeout=SECONDS_FOR_WORKERS)
        except TimeoutError as error:
            if self.address is None:
                told = f"--backend dask: no worker has started within {SECONDS_FOR_WORKERS} s; its output says why"
            else:
                told = f"--scheduler {self.address}: it has no workers; start some: dask worker {self.address}"
            raise RunRefused(told) from error
        return self.asked or sum(client.ncores().values())


def _kill(cluster: LocalCluster) -> None:
    """End local workers at once: all that counts is on the disk, and asked to close they take seconds."""
    for nanny in cluster.workers.values():
        nanny.auto_restart = False
        if nanny.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(nanny.pid, signal.SIGKILL)
