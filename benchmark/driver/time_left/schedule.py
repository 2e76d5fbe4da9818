"""When the last worker is through: groups of runs on workers that take the next one as they become free."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

MOST_GROUPS = 2000
"""So many are dealt out one by one; more of them fill all workers anyway."""


def last_end(in_flight: Iterable[float], waiting: Iterable[float], workers: int) -> float:
    """Return the seconds until all groups have ended.

    Args:
        in_flight: seconds left of the groups that workers have begun.
        waiting: seconds of the others, in the order in which they are given out.
        workers: how many work at the same time.
    """
    ends, groups = sorted(in_flight), list(waiting)
    ends += [0.0] * (workers - len(ends))
    if len(groups) > MOST_GROUPS:
        head, groups = groups[:-MOST_GROUPS], groups[-MOST_GROUPS:]
        ends = [end + sum(head) / len(ends) for end in ends]
    heapq.heapify(ends)
    for seconds in groups:
        heapq.heappush(ends, heapq.heappop(ends) + seconds)
    return max(ends, default=0.0)
