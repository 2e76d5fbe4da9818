"""What is asked of a user's class: meaning, remedy and check of every property, in the order of checking."""

from __future__ import annotations

from dataclasses import dataclass

from algorithms.interop.optional_method import PROPERTIES
from benchmark.checking import further_properties as further
from benchmark.checking import properties as table
from benchmark.checking.properties import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """What is asked of a searcher or scheduler.

    Attributes:
        name: as the conformance table calls it, where that has it.
        meaning: what a class with the property does.
        remedy: what one without it has to do.
        check: raises what a subject did against it; None: it takes another process.
        needed: whether results of a class without it are wrong or missing; otherwise it is advice.
        quick: whether it is looked at before every comparison.
    """

    name: str
    meaning: str
    remedy: str
    check: Check | None
    needed: bool = True
    quick: bool = False


def _advice(name: str, meaning: str, remedy: str, check: Check) -> Property:
    return Property(name=name, meaning=meaning, remedy=remedy, check=check, needed=False)


CHECKLIST: tuple[Property, ...] = (
    Property(
        name="bounds",
        meaning=PROPERTIES["bounds"],
        remedy="propose a dict with a value for every name of config_space, each within its bounds or choices; "
        "config_space.sample(rng) and config_space.decode(point of the unit cube) give such a dict; "
        "None only when there is nothing left to try",
        check=table.check_bounds,
        quick=True,
    ),
    Property(
        name="workers",
        meaning="proposes for several workers, and learns results in the order in which they end",
        remedy="let several proposals wait for their results, and find out by its configuration which one update() "
        "is about",
        check=further.check_workers,
        quick=True,
    ),
    Property(
        name="seed",
        meaning="repeats with its seed, and does something else with another one",
        remedy="take `rng` in the constructor and draw all random numbers from it; read no clock, no hash() and no "
        "order of a set",
        check=table.check_seed,
        quick=True,
    ),
    Property(
        name="interleaved",
        meaning="is the same beside other searches in one process",
        remedy="keep what a search knows in the object (self), not in the class or module",
        check=further.check_interleaved,
        quick=True,
    ),
    Property(
        name="failed",
        meaning=PROPERTIES["failed"],
        remedy="expect an error of inf (a trial that crashed) in update(): never compute with it unlooked, and go on "
        "even when every trial has one",
        check=table.check_failed_trials,
        quick=True,
    ),
    Property(
        name="tied",
        meaning=PROPERTIES["tied"],
        remedy="expect results that are all equal: divide by no spread or range of them unlooked",
        check=table.check_ties,
        quick=True,
    ),
    Property(
        name="conditions",
        meaning="survives that some hyperparameters count only where others have certain values",
        remedy="expect configurations without the names that do not count: use config.get(name) or "
        "config_space.active(config)",
        check=table.check_conditions,
    ),
    Property(
        name="finite",
        meaning="goes on where only a finite number of configurations can be evaluated",
        remedy="propose a value of the space's own; what lies between two is mapped to the nearest one, and update() "
        "is told the configuration as it was proposed",
        check=further.check_finite_space,
    ),
    Property(
        name="fidelity",
        meaning="works where trials are trained in part and promoted",
        remedy="searcher: expect the key max_epochs in the configuration of update(), and several results of one "
        "configuration; scheduler: ask for whole max_epochs in 1..the constructor's max_epochs",
        check=table.check_fidelity,
    ),
    Property(
        name="maximised",
        meaning="takes errors below 0, as of a metric that is better the greater it is",
        remedy="minimise the error of update() whatever its sign; the direction of info['metrics'] is the "
        "metric's goal",
        check=further.check_maximised,
    ),
    Property(
        name="arguments",
        meaning="changes nothing that update() is given",
        remedy="copy first: dict(config); then change the copy",
        check=further.check_arguments,
        quick=True,
    ),
    Property(
        name="information",
        meaning="needs no third argument of update()",
        remedy="define update(self, config, error, additional_info=None) in a searcher, update(self, config, error, "
        "info=None) in a scheduler, and expect None",
        check=further.check_without_information,
    ),
    Property(
        name="budget",
        meaning="stops after one evaluation where that is the budget",
        remedy="propose one configuration a call",
        check=further.check_one_evaluation,
    ),
    Property(
        name="end",
        meaning="goes on until the budget is spent, or ends for good",
        remedy="searcher: return None only when nothing is left to try, and then for ever; scheduler: return None only "
        "while a trial is training",
        check=further.check_end,
    ),
    Property(
        name="replay",
        meaning=PROPERTIES["replay"],
        remedy="propose what follows from the seed and the results told alone",
        check=table.check_replay,
    ),
    Property(
        name="process",
        meaning=PROPERTIES["process"],
        remedy="let nothing of the process into the search: no clock, process number, hash() of a text, order of a "
        "set, file or variable of the module that outlives a search",
        check=None,
    ),
    _advice(
        "native",
        f"proposes values {PROPERTIES['native']}",
        "the harness turns other number types into Python's; float(value), int(value) and array.tolist() do so at once",
        table.check_native_types,
    ),
    _advice(
        "default",
        "the default configuration comes first",
        "take `initial_config` in the constructor and propose it first, as other algorithms do: otherwise comparisons "
        "begin unequally",
        table.check_default,
    ),
    _advice(
        "pending",
        PROPERTIES["pending"],
        "remember what was proposed and has no result yet, and propose something else: two workers would train the "
        "same",
        table.check_pending,
    ),
    _advice(
        "global_state",
        PROPERTIES["global_state"],
        "draw from `rng`; a suite gives every run private states of the global generators, so that runs repeat, but "
        "nothing else does",
        table.check_own_draws,
    ),
    _advice(
        "dictionaries",
        "keeps dictionaries of its own",
        "propose and keep copies, dict(config): what is proposed belongs to the caller, who may change it",
        further.check_own_dictionaries,
    ),
    _advice(
        "output",
        "prints nothing",
        "leave print() out: it runs into the progress of a suite, once a trial",
        further.check_output,
    ),
    _advice(
        "handles",
        "holds no open files",
        "close files at once (with open(...) as file): a worker holds hundreds of searches at the same time",
        further.check_handles,
    ),
    _advice(
        "copy",
        PROPERTIES["copy"],
        "hold plain values; generators (yield), open files, locks and lambdas cannot be copied",
        table.check_copy,
    ),
    _advice(
        "pickle",
        "can be written in the middle of a search, and goes on alike",
        "as for copy; a class that is defined inside a function cannot be pickled either",
        further.check_pickle,
    ),
)
"""What is needed first, then advice; what a cause shows in comes before what follows from it."""

QUICK = tuple(each for each in CHECKLIST if each.quick)
