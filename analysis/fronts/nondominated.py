"""Which points no other one dominates: is as good in every metric, and better in one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

Array = np.ndarray


def growing_fronts(points: Array) -> Iterator[tuple[int, Array]]:
    """The front of the first points, each time that a further one changes it.

    Of points that are equal the first one is a member.

    Args:
        points: (n, metrics), in the order in which they come; a row with NaN takes no part.

    Yields:
        The place of the point that changed the front, and the places of its members since then, ascending.
    """
    front, members = points[:0], np.empty(0, dtype=np.int64)
    for place in np.flatnonzero(~np.isnan(points).any(axis=1)):
        point = points[place]
        if (front <= point).all(axis=1).any():
            continue
        kept = ~(point <= front).all(axis=1)
        front = np.concatenate([front[kept], point[np.newaxis]])
        members = np.append(members[kept], place)
        yield int(place), members


def final_front(points: Array) -> Array:
    """The places of the points that no other one dominates, ascending; of equal ones that of the first.

    Args:
        points: (n, metrics); a row with NaN takes no part.
    """
    from moocore import is_nondominated  # Only suites with several metrics need it.

    places = np.flatnonzero(~np.isnan(points).any(axis=1))
    return np.asarray(places[is_nondominated(points[places])])


def undominated(points: Array) -> Array:
    """Which points no other one dominates: (n,) booleans, equal ones alike; not those with NaN.

    Args:
        points: (n, metrics); a row with NaN takes no part.
    """
    from moocore import is_nondominated

    known = ~np.isnan(points).any(axis=1)
    kept = known.copy()
    kept[known] = is_nondominated(points[known], keep_weakly=True)
    return np.asarray(kept)
