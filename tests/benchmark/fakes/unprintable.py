"""An exception that cannot be printed."""


class TextRaises(Exception):
    """An exception that cannot be printed."""

    def __str__(self):
        raise RuntimeError("no text")
