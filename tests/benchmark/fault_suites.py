"""The command that runs the suite of a folder, and what its ledgers hold."""

from benchmark.storage.ledger_format import read_ledger

MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "crc")


def command(folder, jobs=1):
    """The arguments that run the suite of a folder into the folder's results."""
    words = ["run", str(folder / "tiny.toml"), "--results", str(folder / "results"), "--device", "cpu"]
    return [*words, "--jobs", str(jobs), "--quiet"]


def evaluations(folder):
    """The evaluations of the complete ledgers below a folder, without what is measured."""
    by_ledger = {}
    for path in sorted(folder.glob("results/tiny/runs/*/*/*.jsonl")):
        header, *records = read_ledger(path).records
        left_out = {*MEASURED, *(("start", "end") if header["run"]["clock"] == "measured" else ())}
        by_ledger[str(path.relative_to(folder))] = [
            {key: value for key, value in record.items() if key not in left_out}
            for record in records
            if record["kind"] == "evaluation"
        ]
    return by_ledger
