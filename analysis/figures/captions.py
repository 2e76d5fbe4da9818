"""The caption of a figure as a text: what is shown, its axes, how many runs, whose seconds, and of what results."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache, partial

from matplotlib.axes import Axes

from analysis.explanations import explain
from analysis.figures.panels import clock_note
from analysis.figures.theme import SuiteFigure
from analysis.imported import count_planned
from analysis.loading.plan import Plan, read_plan
from analysis.loading.results import Results
from analysis.provenance.checksums import inputs
from analysis.study import Study

STATES = {"failed": "failed", "partial": "not finished", "missing": "not begun"}


CaptionMaker = Callable[[str, str, SuiteFigure], str]
"""Returns the caption of a figure, given its kind, the key of its objective, empty for all, and itself."""


def caption_maker(study: Study) -> CaptionMaker:
    """Make what makes the captions of a suite; its files are read once for all of them, when they are needed."""
    provenance = cache(partial(_provenance, study))

    def make(kind: str, key: str, figure: SuiteFigure) -> str:
        results = study.hypervolume.results if kind.startswith("hypervolume") else study.results
        shown = explain(kind, results)
        told = [] if any(note.startswith(shown) for note in figure.notes) else [shown]
        sentences = [*told, *figure.notes, *_axes(figure), *_marks(figure), *_runs(study.results, key)]
        sentences.append(f"The suite compares algorithms by the {study.results.plan.endpoint_text}")
        sentences.append(clock_note(study.results) or f"Runtime is in {study.results.plan.clock} seconds.")
        parts = [f"{_ended(figure.heading)}", " ".join(dict.fromkeys(map(_ended, sentences))), provenance()]
        return "\n\n".join(" ".join(part.split()) for part in parts) + "\n"

    return make


def _axes(figure: SuiteFigure) -> Iterator[str]:
    """What the axes are, by their labels."""
    shown = [axes for axes in figure.axes if axes.get_visible()]
    panels = [axes for axes in shown if axes.get_label() != "<colorbar>"]
    bars = [text for axes in shown if axes not in panels for text in (axes.get_ylabel(), axes.get_xlabel())]
    for words, labels in (
        ("Horizontal axis", [figure.get_supxlabel(), *map(Axes.get_xlabel, panels)]),
        ("Vertical axis", [figure.get_supylabel(), *map(Axes.get_ylabel, panels)]),
        ("Colours", bars),
    ):
        names = list(dict.fromkeys(" ".join(label.split()) for label in labels if label.strip()))
        if names:
            yield f"{words}: {'; '.join(names)}"


def _marks(figure: SuiteFigure) -> Iterator[str]:
    if figure.marks:
        yield f"Marks and lines: {'; '.join(figure.marks)}"


def _runs(results: Results, key: str) -> Iterator[str]:
    """How many repetitions and runs there are, and which are left out."""
    plan = results.plan
    labels = [objective.label for objective in plan.objectives if key in ("", objective.key)]
    states: Counter[str] = Counter(run.state for run in results.runs if run.objective in labels)
    planned = count_planned(states.elements(), plan.imported)
    repetitions = "1 repetition" if plan.repetitions == 1 else f"{plan.repetitions} repetitions"
    algorithms = "1 algorithm" if len(plan.algorithms) == 1 else f"{len(plan.algorithms)} algorithms"
    on = f"on {len(labels)} objectives" if len(labels) > 1 else f"on {labels[0]}" if labels else ""
    yield f"{repetitions} of {algorithms} {on}: {states['done']} of {planned} runs are finished"
    if plan.imported is not None:
        states["missing"] = 0  # Nobody has planned them.
    lacking = [f"{states[state]} {words}" for state, words in STATES.items() if states[state]]
    if states["partial"] or states["missing"]:
        yield f"Of the others, {' and '.join(lacking)}; runs that are not finished or not begun are left out"
    elif states["failed"]:
        yield f"{states['failed']} failed; a failed run counts as one without a result from its failure on"
    else:
        yield "No run is left out"


def _provenance(study: Study) -> str:
    """The suite and checksums of its plan and of everything that the figures are made of."""
    plan = read_plan(study.folder)  # Under its labels: folders are called by them.
    digests = inputs(study.folder, plan)
    first, *_ = digests.values()
    everything = hashlib.sha256("".join(f"{path} {digest}\n" for path, digest in digests.items()).encode())
    budget = ", ".join(f"{name} = {value:g}" for name, value in plan.budget.items())
    return (
        f"Suite {plan.name}, {plan.title!r}, {_budget_words(plan)}{budget}. SHA-256 of its plan {first[:16]}, of plan "
        f"and ledgers {everything.hexdigest()[:16]}."
    )


def _budget_words(plan: Plan) -> str:
    return "budget of a run: " if plan.budget else ""


def _ended(text: str) -> str:
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
