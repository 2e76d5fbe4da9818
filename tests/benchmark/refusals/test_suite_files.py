"""Bad names and files of suites are refused."""

import os

import pytest

from tests.benchmark.refusals.good import RUN, toml

SUITES = {
    "": ["suite '': not one of", "digits"],
    ".": ["suite '.': not one of"],
    "..": ["suite '..': not one of"],
    "digit": ["suite 'digit': not one of", 'did you mean "digits"?'],
    "Digits": ["suite 'Digits': not one of", 'did you mean "digits"?'],
    "fashion-mnist": ["suite 'fashion-mnist'", 'did you mean "fashion_mnist"?'],
    " digits": ["suite ' digits'", 'did you mean "digits"?'],
    "$(id)": ["suite '$(id)': not one of"],
    "a\nb": ["suite 'a\\nb': not one of"],
    "a\0b": ["suite 'a\\x00b': not one of"],
    "a\0b.toml": ["suite file 'a\\x00b.toml'"],
    "x" * 300: ["suite 'xxx", "not one of"],
    "x" * 300 + ".toml": ["suite file 'xxx", "File name too long"],
    "x" * 10**6: ["suite 'xxx", "not one of"],
    "../../x": ["suite file '../../x': there is no such file"],
    "/nowhere/at/all.toml": ["suite file '/nowhere/at/all.toml': there is no such file"],
    "none.toml": ["suite file 'none.toml': there is no such file"],
    "good.toml/x": ["suite file 'good.toml/x': there is no such file"],
    "./": ["suite file './': not a regular file"],
    "/dev/zero": ["suite file '/dev/zero': not a regular file"],
    "/dev/null": ["suite file '/dev/null': not a regular file"],
}


@pytest.mark.parametrize("command", ["run", "status"])
@pytest.mark.parametrize("name", SUITES, ids=lambda name: repr(name[:20] + name[-5:]))
def test_a_bad_name_of_a_suite_is_refused(refused, command, name):
    """Names that are none, paths that lead nowhere and things that are no files."""
    refused([command, name], *SUITES[name])


def test_folders_fifos_and_loops_are_no_suites(refused, here):
    """Reading them would raise, hang or turn in circles."""
    (here / "folder.toml").mkdir()
    os.mkfifo(here / "fifo.toml")
    (here / "loop.toml").symlink_to("loop.toml")
    (here / "dangling.toml").symlink_to("none.toml")

    refused(["run", "folder.toml"], "suite file 'folder.toml': not a regular file")
    refused(["run", "fifo.toml"], "suite file 'fifo.toml': not a regular file")
    refused(["run", "loop.toml"], "suite file 'loop.toml': there is no such file")
    refused(["run", "dangling.toml"], "suite file 'dangling.toml': there is no such file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_is_refused(refused, here):
    """A suite without permission to read it."""
    (here / "good.toml").chmod(0)

    refused(RUN, "suite file 'good.toml': cannot be read (Permission denied)")


@pytest.mark.parametrize(
    "name", ["Tiny", "a.b", "", "-rf", "a b", "\u00e9", "x" * 65, "_x", "a\nb", ".hidden"], ids=repr
)
def test_a_file_name_that_is_no_label_is_refused(refused, here, name):
    """The suite's folder bears the file's name."""
    (here / f"{name}.toml").write_text(toml({}))

    refused(["run", f"./{name}.toml"], "suite name '", "lower-case letters, digits, '-' and '_'")


CONTENTS = {
    "empty": (b"", ["budget = None: need a table"]),
    "latin-1": ("title = '\u00e9'".encode("latin-1"), ["not valid TOML", "utf-8"]),
    "utf-16": (toml({}).encode("utf-16"), ["not valid TOML"]),
    "bom": (b"\xef\xbb\xbf" + toml({}).encode(), ["not valid TOML"]),
    "binary": (bytes(range(256)), ["not valid TOML"]),
    "NUL": (b"seed = 1\0", ["not valid TOML", "line 1"]),
    "text": (b"just a text", ["not valid TOML", "line 1"]),
    "json": (b'{"seed": 1}', ["not valid TOML", "line 1"]),
    "yaml": (b"seed: 1\n", ["not valid TOML", "line 1"]),
    "duplicate key": (b"seed = 1\nseed = 2\n", ["not valid TOML", "line 2"]),
    "duplicate table": (toml({}).encode() + b"[budget]\ntrials = 2\n", ["not valid TOML", "line 6"]),
    "duplicate label": (b"[objectives.a]\n[objectives.a]\n", ["not valid TOML", "line 2"]),
    "unclosed": (b"title = 'a", ["not valid TOML", "at end of document"]),
    "leading zero": (b"seed = 010", ["not valid TOML", "line 1"]),
    "no": (b"resume = no", ["not valid TOML", "line 1"]),
    "deep lists": (b"seed = " + b"[" * 100_000, ["not valid TOML"]),
    "deep tables": (b"seed = " + b"{a = " * 100_000, ["not valid TOML"]),
    "5000 digits": (b"seed = " + b"9" * 5000, ["not valid TOML"]),
    "5000 hex digits": (toml({"seed": "0x" + "f" * 5000}).encode(), ["seed = an integer of thousands of digits: need"]),
    "too large": (b"#" * 1_000_001, ["larger than 1000000 bytes"]),
    "array of tables": (
        toml({"objectives": None}).encode() + b"[[objectives]]\n",
        ["objectives = [{}]: need at least"],
    ),
    "deep dotted key": (toml({"title": None}).encode() + b"title." + b"a." * 5000 + b"b = 1", ["title = {'a': {"]),
}


@pytest.mark.parametrize("case", CONTENTS)
def test_a_file_that_is_no_suite_is_refused(refused, here, case):
    """Not TOML, not UTF-8, twice the same key, or simply too much."""
    data, fragments = CONTENTS[case]
    (here / "bad.toml").write_bytes(data)

    refused(["run", "bad.toml"], "bad.toml", *fragments)
