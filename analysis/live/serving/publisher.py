"""Hands the parts of the page from the thread that makes them to those that answer browsers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Condition, Event

MOST_VIEWERS = 32
OF_CHOICE, PANEL = "\0", "panel-"
"""Stands in the name of a part between the id of its element and the choice that it is for; panels alone have one."""


class Publisher:
    """Keeps the newest version of every part, and who looks at them.

    Attributes:
        viewers: pages that are open.
        left: the monotonic time at which the last of them was closed.
        wanted: set by whoever waits for parts, for the maker to begin at once.
        time: of the last look, to be read.
        generation: differs where open pages have to be loaded again.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._parts: dict[str, tuple[int, str]] = {}
        self._version, self._looks, self.time, self.generation = 0, 0, "", 0
        self._whole: Callable[[], str] = str
        self._choices: Counter[str] = Counter()
        self.viewers, self.left, self.wanted = 0, time.monotonic(), Event()

    def publish(self, parts: Mapping[str, str], whole: Callable[[], str], *, generation: int) -> None:
        """Replace parts by others, and wake those who wait for them.

        Args:
            parts: all of the page.
            whole: makes the document with them.
            generation: differs where open pages have to be loaded again.
        """
        with self._changed:
            if generation != self.generation:
                self._parts = {}
            changed = {name: html for name, html in parts.items() if self._parts.get(name, (0, ""))[1] != html}
            self._version += bool(changed)
            kept = {name: part for name, part in self._parts.items() if name in parts}  # Others nobody shows any more.
            self._parts = kept | {name: (self._version, html) for name, html in changed.items()}
            self._looks += 1
            self._whole, self.generation, self.time = whole, generation, time.strftime("%Y-%m-%d %H:%M:%S")
            self._changed.notify_all()

    def wait(self, version: int, seconds: float, choice: str = "") -> tuple[int, dict[str, str]]:
        """Wait for a later version; returns the newest and the parts that have changed since, maybe none.

        Args:
            version: the last one that the page has.
            seconds: to wait at most.
            choice: of the page; a panel for another one is not for it.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._version > version, seconds)
            changed = {name: html for name, (made, html) in self._parts.items() if made > version}
            version = self._version
        parts = {}
        for name, html in changed.items():
            element, _, of = name.partition(OF_CHOICE)
            if of == (choice if element.startswith(PANEL) else ""):
                parts[element] = html
        return version, parts

    def choices(self) -> list[str]:
        """What open pages have chosen to see of panels, besides what they show at first."""
        with self._changed:
            return sorted(choice for choice in self._choices if choice)

    def document(self, seconds: float) -> str:
        """The whole document, after a look that was begun for it; the last one where that takes too long."""
        with self._changed:
            before = self._looks
            self.wanted.set()
            self._changed.wait_for(lambda: self._looks > before, seconds)
            whole = self._whole
        return whole()

    @contextmanager
    def viewing(self, choice: str = "") -> Iterator[bool]:
        """Count a page as open during the block; yields False where there are too many."""
        with self._changed:
            self.viewers += 1
            self._choices[choice] += 1
            few = self.viewers <= MOST_VIEWERS
        self.wanted.set()
        try:
            yield few
        finally:
            with self._changed:
                self.viewers -= 1
                self._choices -= Counter([choice])
                self.left = time.monotonic()
