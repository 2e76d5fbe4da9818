"""Every error that a user may meet says what is wrong, shows it, and says what would be right or what to do."""

import ast
import re
from types import SimpleNamespace

import pytest

from tests import ROOT

ROOMS = ("algorithms", "analysis", "benchmark", "objectives")
FOR_USERS = ("BadInput", "DataError", "LedgerError", "RunRefused")
OPTIONS = ("algorithms", "objectives")
"""Rooms whose ValueErrors are about options and reach the user inside a BadInput; the stacks' are for the harness."""

ALLOWED = re.compile(
    r"\b(need|needs|allowed|must|not|no|none|nothing|only|but|cannot|missing|unknown|reserved|twice|two are equal"
    r"|at most|at least|at once|too few|larger than|deeper than|more than|above|outside|the last|holds for"
    r"|is for|are options|is continuous|a path to|neither)\b"
)
"""Words of a rule: what would have been right, or why this is not."""
REMEDY = re.compile(
    r"\b(delete|leave|restore|start|run|merge|wait|use|give|make|install|choose|see|say|put|yield|write|move|train|harvest)\b"
)
"""Words before what to do."""
WRAPPED = re.compile(r"([:;=(. ] ?|\{\})\{\}\)?$")
"""Ends in what another part of the program said; that text is looked at where it is written."""


def told(node):
    """The text of an expression with `{}` for what is put in, or None where it is not written there."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(told(part) or "{}" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return (told(node.left) or "{}") + (told(node.right) or "{}")
    return None


def concerns_users(path, name):
    """Whether an error of this name, raised there, is one that a user reads."""
    room = path.parts[0]
    return name in FOR_USERS or (name == "ValueError" and room in OPTIONS and "stacks" not in path.parts)


def raises():
    """Place and message, as an expression, of every raise of an error for users."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            short = path.relative_to(ROOT)
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Raise) and node.exc is not None:
                    error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                    if concerns_users(short, ast.unparse(error)):
                        arguments = node.exc.args if isinstance(node.exc, ast.Call) else []
                        yield f"{short}:{node.lineno}", arguments


SITES = dict(raises())
TEXTS = {where: text for where, arguments in SITES.items() if arguments and (text := told(arguments[0])) is not None}


def test_raises_are_found():
    """The search sees the rooms; an empty one would let everything pass."""
    assert len(SITES) > 250
    assert {where.split("/")[0] for where in SITES} == set(ROOMS)
    assert len(TEXTS) > 0.9 * len(SITES)


def test_every_error_has_one_message():
    """Nobody raises a bare class, or one with several arguments, which would be printed as a tuple."""
    assert [where for where, arguments in SITES.items() if len(arguments) != 1] == []


def test_every_message_names_what_it_is_about():
    """A value is put in, or the field is named before a colon."""
    assert [f"{where} {text}" for where, text in TEXTS.items() if "{}" not in text and ": " not in text] == []


def test_every_message_says_what_is_allowed_or_what_to_do():
    """A rule, a remedy, or the words of what it wraps."""
    silent = [
        f"{where} {text}"
        for where, text in TEXTS.items()
        if not (ALLOWED.search(text) or REMEDY.search(text) or WRAPPED.search(text))
    ]
    assert silent == []


def test_every_message_is_one_sentence():
    """One line without a full stop or an exclamation at its end, so that it can be put into another one."""
    assert [f"{where} {text}" for where, text in TEXTS.items() if "\n" in text or re.search(r"[^.][.!]$", text)] == []


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("'a'", "a"),
        ("f'{x}: need {y!r} of {z}'", "{}: need {} of {}"),
        ("'a' 'b' + f'{c}'", "ab{}"),
        ("'a' + note", "a{}"),
        ("str(error)", None),
    ],
)
def test_texts_are_read_from_the_source(source, text):
    """Literals, formatted texts and their sums; what is made elsewhere is not known."""
    assert told(ast.parse(source, mode="eval").body) == text


# Texts that no other file reads.


def suite_of(**changes):
    """A suite of one run on Branin."""
    from benchmark.suite import parsing as suites

    table = {
        "seed": 3,
        "repetitions": 1,
        "budget": {"trials": 2},
        "objectives": {"plane": {"name": "branin"}},
        "algorithms": {"random": {"searcher": "random"}},
        **changes,
    }
    return suites.parse("tiny", table)


def test_a_table_of_other_trials_is_told(tmp_path, monkeypatch):
    """File, difference and remedy."""
    from benchmark.storage.resume_check import RunRefused
    from benchmark.tabular import replay

    run = next(iter(suite_of().runs()))
    header = {"suite_seed": 4, "objective": {"part": run.identity()["objective"]["part"]}}
    monkeypatch.setattr(replay, "load_table", lambda path: SimpleNamespace(harvest=header))

    with pytest.raises(RunRefused) as refused:
        replay.load_table_of(run, tmp_path)

    assert str(refused.value) == (
        f"{tmp_path / 'plane.npz'}: harvested from other trials: suite_seed was 4 and is now 3; "
        "give the --tables of this suite"
    )


def test_a_table_of_another_machine_is_told(tmp_path):
    """File, difference and both remedies; the libraries of an algorithm decide nothing of a trial."""
    from benchmark.storage.resume_check import RunRefused
    from benchmark.tabular import replay

    table = SimpleNamespace(harvest={"environment": {"torch": "2.0.0", "libraries": {"optuna": "4"}}})

    replay.require_same_machine(table, {"torch": "2.0.0"}, tmp_path)
    with pytest.raises(RunRefused) as refused:
        replay.require_same_machine(table, {"torch": "2.9.0"}, tmp_path)

    assert str(refused.value) == (
        f"{tmp_path}: harvested on another machine or library version: torch was '2.0.0' and is now '2.9.0'; "
        "leave --miss train out, or harvest it anew here"
    )


def test_results_to_reuse_that_lack_a_repetition_are_told(tmp_path):
    """The run, the folder and the remedy."""
    from benchmark.batching.run_group import _recorded_header
    from benchmark.storage.resume_check import RunRefused
    from benchmark.tuning.run_settings import RunSettings
    from objectives.objective import Machine

    run = next(iter(suite_of().runs()))
    settings = RunSettings(folder=tmp_path, machine=Machine(), environment={}, reuse=tmp_path / "old")

    with pytest.raises(RunRefused) as refused:
        _recorded_header(run, settings)

    assert str(refused.value) == (
        f"{run.path}: nothing of its repetition is recorded in {tmp_path / 'old'}; leave --reuse out to train it"
    )


@pytest.mark.parametrize("text", ["", "%", "-5%", "0", "0.5", "five", "1e3", "5 %", "\u0665%", "9" * 50])
def test_a_sample_that_is_none_is_told(text):
    """The option, the text and the three forms."""
    from benchmark.errors import BadInput, short_repr
    from benchmark.verification.sampling import parse_sample

    with pytest.raises(BadInput) as refused:
        parse_sample(text)

    assert str(refused.value) == f"--sample {short_repr(text)}: need a share as 5%, a number of trials >= 1, or all"


@pytest.mark.parametrize("text", ["0%", "0.0%", "100.1%", "101%"])
def test_a_share_out_of_range_is_told(text):
    """The option, the text and the range."""
    from benchmark.errors import BadInput
    from benchmark.verification.sampling import parse_sample

    with pytest.raises(BadInput) as refused:
        parse_sample(text)

    assert str(refused.value) == f"--sample '{text}': need a share above 0% and up to 100%"


@pytest.mark.parametrize("text", ["", "1", "1/", "/4", "a/b", "1/4/2", "-1/4", "1.0/4", "\u0661/4"])
def test_a_shard_that_is_none_is_told(text):
    """The option, the text and the form."""
    from benchmark.errors import BadInput, short_repr
    from benchmark.planning.shard import parse_shard as shard_of

    with pytest.raises(BadInput) as refused:
        shard_of(text, suite_of())

    assert str(refused.value) == f"--shard {short_repr(text)}: need I/N, the I-th share of N, as 1/4"


@pytest.mark.parametrize("method", ["suggest", "update"])
def test_an_algorithm_that_raises_is_told(method):
    """The method, and type and text of what it raised."""
    from benchmark.suite.parsing import Budget
    from benchmark.tuning.tuner import AlgorithmError, Outcome, TuningLoop

    class Raising:
        def suggest(self):
            if method == "suggest":
                raise ArithmeticError("out of ideas")
            return {}

        def update(self, config, error, info=None):
            raise ArithmeticError("out of ideas")

    loop = TuningLoop(Raising(), check=dict, max_epochs=1, budget=Budget(trials=2), n_workers=1, resume=True).run()

    with pytest.raises(AlgorithmError) as refused:
        loop.send(next(loop) and Outcome(error=0.5, epochs=1, end=1.0))

    assert str(refused.value) == f"{method}() raised ArithmeticError: out of ideas"
