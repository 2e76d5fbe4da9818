"""A good suite, which the tests of refusals spoil, and what tells whether a refusal has written anything."""

MISFITS = "tests.benchmark.fakes.unusable_parts:"
RUN = ["run", "good.toml", "--jobs", "1"]
GOOD = {
    "seed": "1",
    "repetitions": "1",
    "budget": "{ trials = 1 }",
    "objectives": "{ branin = {} }",
    "algorithms": '{ plain = { searcher = "random" } }',
}


def toml(changes):
    """The text of a good suite with some of its top-level values replaced, or removed by None."""
    fields = {**GOOD, **changes}
    return "".join(f"{key} = {value}\n" for key, value in fields.items() if value is not None)


def tree(folder):
    """Everything below a folder: names, kinds, sizes and times of change."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found
