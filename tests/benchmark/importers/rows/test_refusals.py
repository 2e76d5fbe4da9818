"""What cannot be read is refused with the file, the row, the column, and what to write instead."""

import tomllib

import pytest

from benchmark.errors import BadInput
from benchmark.importers.rows.conversion import convert
from benchmark.importers.rows.mapping import load_mapping, parse_mapping

PLAIN = 'hyperparameters = ["a", "b"]\nmetrics = ["loss"]\n'
TWO = "a,b,loss\n1,x,0.5\n2,y,0.4\n"

FILES = {
    "a text among numbers": ("a,b,loss\n1,x,0.5\n2,y,abc\n", "", "row 3, column 'loss': 'abc': need a number"),
    "a number among texts": (
        "a,b,loss\nauto,x,0.5\n2,y,1\n",
        "",
        "row 2, column 'a': 'auto': need a number as in other",
    ),
    "decimal commas": (
        "a;b;loss\n0,1;x;1\n0,2;y;2\n",
        'separator = ";"\n',
        "'0,1': need a number with a decimal point",
    ),
    "decimal commas in a metric": ("a;b;loss\n1;x;1\n2;y;2,5\n", 'separator = ";"\n', "row 3, column 'loss': '2,5'"),
    "points of thousands": (
        "a;b;loss\n1.000;x;0,5\n2.000;y;0,4\n",
        'separator = ";"\ndecimal = ","\n',
        "row 2, column 'a': '1.000': need a number with a decimal comma",
    ),
    "commas of thousands": ('a,b,loss\n1,x,"1,234.5"\n', "", "need a number with a decimal point, without separators"),
    "percent signs": ("a,b,loss\n1,x,93%\n", "", 'those with a percent sign need unit = "%"'),
    "another separator": ("a;b;loss\n1;x;0.5\n", "", "one column, 'a;b;loss'; say separator = \";\""),
    "blanks between cells": ("a b loss\n1 x 0.5\n", "", 'say separator = " "'),
    "a column in capitals": ("A,b,loss\n1,x,0.5\n", "", "but 'A', 'b', 'loss' (did you mean \"A\"?)"),
    "a short row": ("a,b,loss\n1,x,0.5\n2,0.4\n", "", "row 3 has 2 cells, the first row has 3"),
    "a column twice": ("a,b,a\n1,x,0.5\n", "", "the column 'a' is there twice"),
    "no names of columns": ("1,x,0.5\n2,y,0.4\n", "", "a.csv has no such column, but '1', 'x', '0.5'"),
    "an empty file": ("", "", "no rows below a line of column names"),
    "names alone": ("a,b,loss\n", "", "no rows below a line of column names"),
    "latin-1": ("a,b,loss\n1,ä,0.5\n".encode("latin-1"), "", 'say how it is encoded, as encoding = "latin-1"'),
    "no value": ("a,b,loss\n1,x,\n2,y,1\n", "", 'row 2: no value of loss; say missing = "diverged"'),
    "no value at all": ("a,b,loss\n1,x,\n2,y,\n", 'missing = "absent"\n', "no row holds a value of loss"),
    "failures without a worth": ("a,b,loss\n1,x,\n2,y,1\n", 'missing = "diverged"\n', "metrics.loss.chance: missing"),
    "no hyperparameter": ("a,b,loss\n1,,0.5\n2,y,1\n", "", "row 2, column 'b': '': need a value; where another"),
    "other values of a training": ("a,b,loss\n1,x,1\n1,x,2\n", "", "rows 2 and 3 are the same training with different"),
    "no such rows": (TWO, 'where = { b = "z" }\n', "where.b = z: no row of a.csv has it; there are x, y"),
    "a quote that does not end": ('a,b,loss\n1,"x,0.5\n', "", "row 2: unexpected end of data"),
    "a NUL": ("a,b,loss\n1,x\0,0.5\n", "", "it holds NUL characters; say how it is encoded"),
    "epochs from 0": ("a,b,e,loss\n1,x,0,1\n1,x,1,1\n", 'epoch = "e"\n', "epochs begin with 0; say epochs_from = 0"),
    "every tenth epoch": ("a,b,e,loss\n1,x,10,1\n1,x,20,1\n", 'epoch = "e"\n', "say epoch_step = 10"),
    "half an epoch": ("a,b,e,loss\n1,x,1.5,1\n", 'epoch = "e"\n', "row 2, column 'e': '1.5': need the number of an"),
    "shorter curves": (
        "a,b,e,loss\n1,x,1,1\n1,x,2,1\n2,x,1,1\n",
        'epoch = "e"\n',
        "1 of 2 curves end before epoch 2; say",
    ),
    "seconds of curves": (
        "a,b,e,loss,t\n1,x,1,1,5\n1,x,2,1,5\n",
        'epoch = "e"\nseconds = "t"\n',
        'seconds.per: missing; say "epoch" if',
    ),
    "seconds that fall": (
        "a,b,e,loss,t\n1,x,1,1,5\n1,x,2,1,4\n",
        'epoch = "e"\nseconds = { column = "t", per = "so_far" }\n',
        "seconds fall from an epoch to the next",
    ),
    "negative seconds": (
        "a,b,loss,t\n1,x,1,-5\n",
        'seconds = "t"\n',
        "row 2, column 't': '-5': need a number >= 0 (s)",
    ),
    "a range of nothing": (TWO, "hyperparameters = { a = { low = 5 } }\n", "hyperparameters.a: Integer(5, 2): need"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_not_understood_is_refused_with_the_remedy(case, tmp_path):
    """Every refusal is one line that says where and what is allowed; nothing is guessed."""
    text, options, message = FILES[case]
    (tmp_path / "a.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    mapping = {"file": "a.csv", **tomllib.loads(PLAIN), **tomllib.loads(options)}
    with pytest.raises(BadInput) as refused:
        convert(parse_mapping(mapping, tmp_path))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


MAPPINGS = {
    "a key that is misspelt": (
        'hyperparameter = ["a"]',
        "hyperparameter: unknown key",
        'did you mean "hyperparameters"?',
    ),
    "no metrics": ('file = "a.csv"\nhyperparameters = ["a"]', "metrics: missing", ""),
    "a column that is misspelt": (
        'file = "a.csv"\nhyperparameters = ["a", "B"]\nmetrics = ["los"]',
        "metrics.los",
        'did you mean "loss"?',
    ),
    "a name with a blank": (
        'file = "a.csv"\nhyperparameters = ["learning rate"]\nmetrics = ["loss"]',
        "hyperparameter name 'learning rate': need an identifier",
        '[hyperparameters] learning_rate = "learning rate"',
    ),
    "a kind": (
        'file = "a.csv"\nmetrics = ["loss"]\nhyperparameters.a.kind = "real"',
        "hyperparameters.a.kind = 'real'",
        "float",
    ),
    "a goal": ('file = "a.csv"\nmetrics.loss.goal = "lower"\nhyperparameters = ["a"]', "loss: goal = 'lower'", "min"),
    "a scale of levels": (
        'file = "a.csv"\nmetrics = ["loss"]\nhyperparameters.a = { kind = "ordinal", log = true }',
        "hyperparameters.a.log",
        "no scale",
    ),
    "a unit of seconds": (
        f'file = "a.csv"\nseconds = {{ column = "t", unit = "hours" }}\n{PLAIN}',
        "seconds.unit = 'hours'",
        "h",
    ),
    "a condition on nothing": (
        'file = "a.csv"\nmetrics = ["loss"]\n[hyperparameters]\na = { when = { c = 1 } }',
        "hyperparameters.a.when.'c': no such hyperparameter",
        "",
    ),
    "a spreadsheet": (f'file = "a.xlsx"\n{PLAIN}', "file 'a.xlsx': need one of .csv", "save a spreadsheet as CSV"),
    "no file": (f'file = "b.csv"\n{PLAIN}', "b.csv: there is no such file", ""),
    "not TOML": ("file = a.csv", "not valid TOML", ""),
    "a logarithm of 0": (
        'file = "z.csv"\nmetrics = ["loss"]\nhyperparameters.a.log = true',
        "hyperparameters.a: a log",
        "0",
    ),
}


@pytest.mark.parametrize("case", MAPPINGS)
def test_a_mapping_that_is_wrong_is_refused_with_its_key(case, tmp_path):
    """The message names the key of the mapping, and what would be right."""
    text, *messages = MAPPINGS[case]
    (tmp_path / "a.csv").write_text(TWO)
    (tmp_path / "z.csv").write_text("a,loss\n0,1\n1,2\n2.5,3\n")
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(BadInput) as refused:
        convert(load_mapping(str(tmp_path / "m.toml")))
    assert all(message in str(refused.value) for message in messages)
