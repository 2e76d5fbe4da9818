"""What deciding costs: seconds a suggestion after 20, 100 and 1000 results, ours beside the libraries' own.

`python -m tests.perf.suggestions --out results/reference` measures every registered searcher and scheduler in each
of its variants, on the 6-d space of dropout_mlp, and writes `suggestions.json` and `suggestions.md`. Ours are built
by `benchmark.tuning.factory` and driven by the tuning loop, as in a run, on one thread; what counts is the time that it
records, of one update and the suggestion that follows it. Beside an adapter runs its library by its own interface
(`natives.py`), in the same process, a suggestion of each in turn. Errors are a fixed function of the configuration,
computed between. Each figure is the median of ten suggestions, the first made after so many results.

A side ends early when it has taken a minute, or when after 100 results the cost of one more (which only grows) says
that 1000 would take more; the table then says how far it came. A scheduler is told every partial training, over
random search where it takes a searcher.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from algorithms.interop.containment import silent
from algorithms.roles import Scheduler
from benchmark.construction.objective_factory import build_objective
from benchmark.reproducibility.environment import deterministic_arithmetic
from benchmark.suite.model import Budget
from benchmark.suite.parsing import parse
from benchmark.tuning.factory import build_scheduler
from benchmark.tuning.tuner import Outcome, TuningLoop
from objectives.space import FIDELITY
from tests.algorithms.adapters.subjects import Registered, installed, subjects
from tests.perf import measured
from tests.perf.natives import NATIVES, SPACE, Native

COUNTS = (20, 100, 1000)
WINDOW = 10
"""Suggestions whose median counts."""
LIMIT = 60.0
"""Seconds that a side may take in all."""
MAX_EPOCHS = 10


@dataclass(slots=True)
class Side:
    """One side of a comparison: an endless stream of seconds, those taken so far, and why it ended."""

    stream: Iterator[float]
    limit: float
    seconds: list[float]
    ended: str | None = None

    def step(self) -> None:
        """Take one more suggestion, unless it has ended."""
        if self.ended is not None:
            return
        second = next(self.stream, None)
        if second is None:
            self.ended = "exhausted"
            return
        self.seconds.append(second)
        left = COUNTS[-1] + WINDOW - len(self.seconds)
        if left == 0:
            self.ended = "all"
        elif sum(self.seconds) + self._foreseen(left) > self.limit:
            self.ended = "limit"

    def _foreseen(self, left: int) -> float:
        """The least that the rest takes, once it can be told."""
        known = len(self.seconds) == COUNTS[1] + WINDOW
        return left * statistics.median(self.seconds[-WINDOW:]) if known else 0.0

    def told(self) -> dict[str, Any]:
        """Medians by the number of results told; None where the side did not come so far."""
        windows = {count: self.seconds[count : count + WINDOW] for count in COUNTS}
        medians = {
            str(n): statistics.median(window) if len(window) == WINDOW else None for n, window in windows.items()
        }
        return {"seconds": medians, "suggestions": len(self.seconds), "ended": self.ended}


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, write it and a JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--out", type=Path, default=Path("results/reference"), help="folder of suggestions.json")
    parser.add_argument("--only", default="", help="subjects whose label holds this text")
    parser.add_argument("--limit", type=float, default=LIMIT, help="seconds that a side may take in all")
    parsed = parser.parse_args(arguments)
    chosen = [each for each in subjects() if parsed.only in each.label]
    here = [each for each in chosen if installed(each)]
    libraries = [name for each in here if each.entry is not None for name in each.entry.libraries]
    report: dict[str, Any] = {
        "machine": measured.card(libraries),
        "limit_seconds": parsed.limit,
        "suggestions_of_a_median": WINDOW,
        "not_installed": [each.label for each in chosen if each not in here],
        "subjects": {},
    }
    for subject in here:
        print(f"{subject.label} ...", file=sys.stderr, flush=True)
        report["subjects"][subject.label] = measure(subject, parsed.limit)
    lines = table(report)
    measured.write(parsed.out, "suggestions", report, lines)
    (parsed.out / "suggestions.md").write_text("\n".join(lines) + "\n")
    return 0


def measure(subject: Registered, limit: float) -> dict[str, Any]:
    """Both sides of a subject, a suggestion of each in turn; the library's own is None where there is none."""
    with deterministic_arithmetic("cpu"), silent():
        streams = {"ours": ours(scheduler_of(subject))}
        if subject.label in NATIVES:
            streams["library"] = native(NATIVES[subject.label]())
        sides = {name: Side(stream=stream, limit=limit, seconds=[]) for name, stream in streams.items()}
        while any(side.ended is None for side in sides.values()):
            for side in sides.values():
                side.step()
    return {"library": None} | {name: side.told() for name, side in sides.items()}


def scheduler_of(subject: Registered) -> Scheduler:
    """Built as a suite on dropout_mlp builds it."""
    suite = parse(
        "suggestions",
        {
            "budget": {"evaluations": COUNTS[-1] + WINDOW},
            "objectives": {"dropout_mlp": {"data": "digits", "epochs": MAX_EPOCHS}},
            "algorithms": {"it": subject.algorithm()},
        },
    )
    run = next(suite.runs())
    return build_scheduler(run, build_objective(run.objective))


def ours(scheduler: Scheduler) -> Iterator[float]:
    """Seconds that the tuning loop records for each decision."""
    loop = TuningLoop(scheduler, check=SPACE.check, max_epochs=MAX_EPOCHS, budget=Budget()).run()
    try:
        job = next(loop)
        while True:
            yield job.decide_seconds
            end = job.start + job.epochs - job.start_epoch
            job = loop.send(Outcome(error=error_of(job.suggestion), epochs=job.epochs, end=end))
    except StopIteration:
        return


def native(library: Native) -> Iterator[float]:
    """Seconds of telling the last result and asking for the next configuration."""
    error, seconds = None, 0.0
    while True:
        began = time.perf_counter()
        if error is not None:
            library.tell(error)
        config = library.ask()
        seconds = time.perf_counter() - began
        yield seconds
        error = error_of(config)


def error_of(config: Mapping[str, Any]) -> float:
    """A bowl over the unit cube with a little roughness, lower after more epochs."""
    place = SPACE.encode(config)
    rough = zlib.crc32(repr(place.tolist()).encode()) / 2**32
    return float(((place - 0.3) ** 2).mean() + 0.02 * rough + 0.5 / config.get(FIDELITY, MAX_EPOCHS))


def table(report: Mapping[str, Any]) -> list[str]:
    """Milliseconds a suggestion by the number of results told, ours and the library's own."""
    head = ("milliseconds a suggestion after", *(text for count in COUNTS for text in (f"{count}", "library's own")))
    rows = []
    for label, row in report["subjects"].items():
        sides = [row[side] for side in ("ours", "library")]
        cells = [_cell(side, count, report["limit_seconds"]) if side else "" for count in COUNTS for side in sides]
        rows.append((label, *cells))
    return measured.markdown(head, rows)


def _cell(side: Mapping[str, Any], count: int, limit: float) -> str:
    seconds = side["seconds"][str(count)]
    if seconds is not None:
        return f"{1e3 * seconds:.3g}"
    why = {"exhausted": "nothing left", "limit": f"over {limit:.0f} s"}[side["ended"]]
    return f"{why} ({side['suggestions']} made)"


if __name__ == "__main__":
    sys.exit(main())
