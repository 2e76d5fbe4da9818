"""The program `incumbent`: the commands of `benchmark`, which run suites, and of `analysis`, which read results.

`python -m benchmark` looks for modules in the current folder first, where a file or folder called `benchmark`,
`analysis`, `objectives` or like a module of the standard library would take the place of the real one. This program
looks there last.
"""

import os
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 (start-up imports no more than it must)
"""Where the four packages are."""


def main() -> int:
    """Run the command of the process's arguments; returns the exit code."""
    _search_current_folder_last()
    from benchmark.errors import run_program

    return run_program(_answer_shell if "_ARGCOMPLETE" in os.environ else _execute)


def _search_current_folder_last() -> None:
    """Find the harness in its own place, the user's modules in the current folder after everything else."""
    try:
        here = os.getcwd()  # noqa: PTH109
    except OSError:  # It was removed.
        return
    if here == ROOT:
        return
    if not sys.flags.safe_path and sys.path[:1] in ([here], [""]):  # As for `python -m incumbent`.
        del sys.path[0]
    sys.path += [folder for folder in (ROOT, here) if folder not in sys.path]


def _execute() -> int:
    from analysis.__main__ import COMMANDS as READING
    from analysis.__main__ import main as read
    from benchmark.__main__ import main as run
    from benchmark.arena.commands import COMMANDS as COMPETING
    from benchmark.cli.main import COMMANDS as RUNNING
    from benchmark.cli.parser import build_overview
    from benchmark.cli.terminal import REFUSED, print_error
    from benchmark.completion import COMMANDS as COMPLETING
    from benchmark.errors import BadInput, require_choice, shell_command

    further = {name: summary for name, (summary, _) in {**COMPETING, **COMPLETING}.items()}
    words, commands = sys.argv[1:], {**RUNNING, **further, **READING}
    if words[:1] in (["-h"], ["--help"]):
        build_overview("Compare hyperparameter-optimization algorithms.", commands).parse_args(["--help"])
    try:
        if not words:
            raise BadInput(f"command: missing, need one of {', '.join(commands)}; see {shell_command('', '--help')}")
        return read(words) if require_choice("command", words[0], commands) in READING else run()
    except BadInput as error:
        print_error(f"error: {error}")
        return REFUSED


def _answer_shell() -> int:
    """Tell a shell that completes a command line how it may go on."""
    from benchmark.completion.answer import answer_shell

    answer_shell()
    return 0


if __name__ == "__main__":
    sys.exit(main())
