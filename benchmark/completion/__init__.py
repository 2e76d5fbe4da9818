"""Completion of command lines in a shell, by argcomplete: commands, options, suites, algorithms, folders of results."""

COMMANDS = {
    "completion": ("print what makes bash, zsh or fish complete commands, options and names", f"{__name__}.command")
}
"""The command with its line of help and its module."""
