"""The commands of the arena; each module is imported only when its command is asked for."""

COMMANDS = {
    "field": (
        "pack a suite's runs, for new methods to be paired with, or check such a file",
        f"{__name__}.field",
    ),
    "enter": ("run a method alone on the tasks of a field, and say where it ranks", f"{__name__}.enter"),
}
"""Every command with its line of help and its module."""
