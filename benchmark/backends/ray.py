"""Executes a suite's runs on a Ray cluster: one at an address, or one of processes on this machine."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from benchmark.backends.address import UNREACHABLE, check_reachable
from benchmark.backends.cluster import Cluster, FailFastBackend
from benchmark.backends.orphan_reaper import kill_orphans_on_death
from benchmark.errors import ROOT, BadInput, one_line, short_repr
from benchmark.storage.resume_check import RunRefused
from benchmark.workers import cluster_worker
from benchmark.workers.handshake import Handshake
from benchmark.workers.worker_process import shielded_from_terminal
from objectives.registry import install_command

SECONDS_TO_PROBE = 180
RESTARTS = 1

try:
    import ray
    from ray.exceptions import RayError
    from ray.util.joblib.ray_backend import RayBackend
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as error:
    raise BadInput(
        f"--backend ray: ray is not installed: {install_command('ray-cluster')} ({one_line(error)})"
    ) from error


class FailFastRay(FailFastBackend, RayBackend):  # type: ignore[misc]  # untyped
    """joblib's Ray backend, which yields a result as soon as it is there and gives tasks to idle actors.

    Ray's own takes the actors in turn, busy or not, and joblib then lets it give lists only.
    """

    supports_return_generator = True
    _pool: Any

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.busy: Counter[int] = Counter()

    def effective_n_jobs(self, n_jobs: int) -> int:
        return max(2, n_jobs)  # joblib would execute one job in this process, not on the cluster.

    def submit(self, function: Any, callback: Callable[[Any], None]) -> Any:
        pool = self._get_pool()
        actor = min(range(len(pool._actor_pool)), key=lambda number: self.busy[number])
        self.busy[actor] += 1
        pool._next_actor_index = lambda: actor

        def call_back(outcome: Any) -> None:
            self.busy[actor] -= 1
            callback(outcome)

        return super().submit(function, call_back)

    def terminate(self) -> None:
        """Kill the actors for good; asked to end, as Ray's pool does, they would be restarted."""
        if self._pool is not None:
            for actor, _ in self._pool._actor_pool:
                ray.kill(actor)
            self._pool = None
        self.reset_batch_stats()

    def abort_everything(self, ensure_ready: bool = True) -> None:
        self.terminate()


class Ray(Cluster):
    name = "ray"
    worker_death_errors = (RayError,)

    @contextmanager
    def connect_cluster(self) -> Iterator[int]:
        with kill_orphans_on_death() if self.address is None else nullcontext(), self._initialize_ray():
            workers = int(ray.cluster_resources().get("CPU", 0))
            if not workers:
                raise RunRefused(f"--address {self.address}: it has no CPUs; start nodes: ray start --address=...")
            yield min(self.requested_jobs or workers, workers)

    @contextmanager
    def _initialize_ray(self) -> Iterator[None]:
        """Connect to the cluster, or start one.

        Raises:
            BadInput: no cluster answers at the address, or none starts on this machine.
        """
        options: dict[str, Any] = {"logging_level": logging.CRITICAL, "log_to_driver": False}
        # Ray would send statistics of its use to its makers.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        if self.address is None:
            options |= {"num_cpus": max(2, self.jobs), "include_dashboard": False}
            options |= {"address": "local"}
        else:
            if self.address != "auto":  # Ray itself tries for minutes.
                check_reachable("--address", self.address, ("ray",))
            options |= {"address": self.address}
        try:
            # Ray's workers look for modules first in the folder that is the current one here.
            with shielded_from_terminal(), chdir(ROOT):
                ray.init(**options)
        except (OSError, ValueError, RuntimeError) as error:
            if self.address is None:
                raise BadInput(f"--backend ray: no cluster starts here ({one_line(error)})") from error
            raise BadInput(f"--address {short_repr(self.address)}: {UNREACHABLE} ({one_line(error)})") from error
        try:
            yield
        finally:
            ray.shutdown()

    def probe_workers(self, handshake: Handshake, path: Path, text: str) -> dict[str, list[str]]:
        task = ray.remote(num_cpus=0)(cluster_worker.probe)
        answers = {}
        for node in [node for node in ray.nodes() if node["Alive"]]:
            strategy = NodeAffinitySchedulingStrategy(node_id=node["NodeID"], soft=False)
            answers[node["NodeManagerAddress"]] = task.options(scheduling_strategy=strategy).remote(
                handshake, path, text
            )
        return {where: _wait_for_answer(reference) for where, reference in answers.items()}

    def build_joblib_backend(self) -> FailFastRay:
        needs: dict[str, Any] = {"num_cpus": 0.5 if self.jobs == 1 else 1}
        if self.handshake is not None and self.handshake.device.startswith("cuda"):
            needs["num_gpus"] = 1
        return FailFastRay(ray_remote_args={**needs, "max_restarts": -1, "max_task_retries": RESTARTS})


def _wait_for_answer(reference: Any) -> list[str]:
    try:
        problems: list[str] = ray.get(reference, timeout=SECONDS_TO_PROBE)
    except RayError as error:
        return [f"cannot work ({one_line(error)[:300]}); has it incumbent?"]
    return problems
