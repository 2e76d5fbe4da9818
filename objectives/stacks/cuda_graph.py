"""Launches that are captured once and replayed: a GPU is then not kept waiting by the host's launches."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch


def captured(launch: Callable[[], object], *, shares_memory: bool = False) -> Callable[[], None]:
    """Capture the launches of a function as one CUDA graph, and return its replay.

    Args:
        launch: has run before, so that nothing is loaded in it; reads no value of the device.
        shares_memory: what it computes on the way lies where other graphs' does that say so too; none of them
            may run beside another, nor leave a result there.
    """
    graph = torch.cuda.CUDAGraph()  # type: ignore[no-untyped-call,unused-ignore]
    with torch.cuda.graph(graph, pool=_shared_memory() if shares_memory else None):
        launch()
    return graph.replay


@cache
def _shared_memory() -> Any:
    return torch.cuda.graph_pool_handle()  # type: ignore[no-untyped-call,unused-ignore]
