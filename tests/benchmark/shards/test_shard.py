"""Shards: every run in exactly one, even, the same whoever asks; side by side in one folder; submitted to Slurm."""

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark import suite as suites
from benchmark.cli import main
from benchmark.folder import claimed
from benchmark.header import RunRefused
from benchmark.ledger import Ledger, part_of, read
from benchmark.mount import doubt, kind_of
from benchmark.progress import Quiet
from benchmark.refusal import BadInput
from benchmark.runner import Runner
from benchmark.shards.merge import MEASURED
from benchmark.shards.shard import Shard, cut_groups, groups, header_of, parse, split
from benchmark.shards.submission import Resources, limit, script
from objectives.objective import Machine

ROOT = Path(__file__).resolve().parents[3]

TINY = """
seed = 3
repetitions = 3
clock = "modelled"
calibration = "epyc"
budget.epochs = 12
objectives.branin = { noise = 1.0, epochs = 4 }
objectives.hartmann6 = { noise = 0.05, epochs = 4 }
algorithms.random.searcher = "random"
algorithms.local.searcher = { name = "local", num_init_random = 2 }
algorithms.halving = { scheduler = { name = "successive_halving", eta = 2 }, searcher = "random" }
"""
RUN = ["run", "tiny.toml", "--jobs", "1", "--device", "cpu", "--quiet"]


def plan(repetitions, objectives, algorithms):
    """A suite of that shape, of which only the plan matters."""
    table = {
        "repetitions": repetitions,
        "budget": {"trials": 1},
        "objectives": {f"o{number}": {"name": "branin"} for number in range(objectives)},
        "algorithms": {f"a{number}": {"searcher": "random"} for number in range(algorithms)},
    }
    return suites.parse("tiny", table)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a tiny suite in it."""
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INCUMBENT_DATA", raising=False)
    return tmp_path


@pytest.fixture
def suite(here):
    """The tiny suite."""
    return suites.load("tiny.toml")


def complete(folder):
    """Names of the complete ledgers in a suite's folder."""
    return {path.relative_to(folder) for path in folder.glob("runs/*/*/*.jsonl")}


# the split


SHAPES = [
    (repetitions, objectives, algorithms)
    for repetitions in (1, 2, 3, 5)
    for objectives in (1, 2, 4)
    for algorithms in (1, 3)
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_run_is_in_exactly_one_shard(shape):
    """For every number of shards: all runs once, in the suite's order, no shard empty or too long."""
    check_split(plan(*shape), range(1, shape[0] * shape[1] * shape[2] + 1))


@given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 8), st.data())
@settings(deadline=None, max_examples=50)
def test_every_run_of_any_suite_is_in_exactly_one_shard(repetitions, objectives, algorithms, data):
    """Likewise for larger suites."""
    check_split(
        plan(repetitions, objectives, algorithms),
        [data.draw(st.integers(1, repetitions * objectives * algorithms))],
    )


def check_split(suite, numbers):
    """All that a split promises: groups are cut for evenness only, one a border at most, and then even to one run."""
    runs = [run.path for run in suite.runs()]
    whole = len(groups(suite))
    for of in numbers:
        shares = split(suite, of)
        sizes = [len(share) for share in shares]
        assert [run.path for share in shares for run in share] == runs
        assert len(shares) == of
        assert min(sizes) >= 1
        assert max(sizes) <= max(len(runs) / of * 9 / 8, -(-len(runs) // of))
        assert Shard(number=of, of=of).runs(suite) == shares[-1]
        cut = cut_groups(suite, of)
        assert cut < of
        assert whole % of or cut == 0
        assert cut == 0 or max(sizes) - min(sizes) <= 1


def test_a_group_is_what_shares_trials():
    """All algorithms on one objective in one repetition are a group, repetition by repetition."""
    found = groups(plan(2, 2, 3))

    assert [len(group) for group in found] == [3, 3, 3, 3]
    assert [{(run.repetition, run.objective.label) for run in group} for group in found] == [
        {(0, "o0")},
        {(0, "o1")},
        {(1, "o0")},
        {(1, "o1")},
    ]


def test_the_split_depends_on_the_plan_alone(suite, in_fresh_process):
    """Another process with other hash seeds splits alike, and no setting that leaves the plan alone changes it."""
    mine = [[str(run.path) for run in share] for share in split(plan(5, 2, 3), 7)]

    assert in_fresh_process(__file__, "paths_of_seven") == mine
    other = suites.load("tiny.toml", ["seed=9", "budget.epochs=99"])
    assert [[run.path for run in share] for share in split(other, 4)] == [
        [run.path for run in share] for share in split(suite, 4)
    ]


def paths_of_seven():
    """The ledgers of seven shards, for a fresh process."""
    return [[str(run.path) for run in share] for share in split(plan(5, 2, 3), 7)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0/3", "the first of 3 shards is 1/3"),
        ("4/3", "the last is 3/3"),
        ("1/0", "need 1..18 shards"),
        ("1/19", "has 18 runs"),
        ("1/9999999", "has 18 runs"),
        *((text, "need I/N") for text in ("a/b", "", "/", "1", "1/", "/3", "-1/3", "1/-3", "1.0/3", " 1/3", "1/3\n")),
        *(
            (text, "need I/N")
            for text in ("1/3/5", "1//3", "\u0661/\u0663", "1/3x", "0x1/3", "1e0/3", "1/99999999", "1" * 5000)
        ),
    ],
)
def test_bad_shards_are_refused_before_anything_is_written(here, capsys, text, told):
    """Exit code 2, one line with the field and what is allowed, and no folder made."""
    assert main([*RUN, f"--shard={text}"]) == 2

    out, message = capsys.readouterr()
    assert out == ""
    assert message.startswith("error: --shard '")
    assert told in message
    assert message.count("\n") == 1
    assert len(message) < 400
    assert [path.name for path in here.iterdir()] == ["tiny.toml"]


def test_shards_are_read_as_written(suite):
    """The first and the last shard are read, and written as they are read."""
    assert parse("1/18", suite) == Shard(number=1, of=18)
    assert str(parse("18/18", suite)) == "18/18"
    assert parse("2/3", suite).name == "2-of-3"


# shards in one folder


@pytest.mark.parametrize("of", [2, 5, 18])
def test_shards_in_one_folder_make_the_whole_suite(here, suite, of):
    """Each shard writes its own runs and no other; together they are the suite."""
    for number in range(1, of + 1):
        before = complete(here / "results/tiny")
        assert main([*RUN, "--shard", f"{number}/{of}"]) == 0
        added = complete(here / "results/tiny") - before
        assert added == {run.path for run in split(suite, of)[number - 1]}

    assert complete(here / "results/tiny") == {run.path for run in suite.runs()}


def test_shards_at_the_same_time_make_the_whole_suite(here, suite):
    """Processes that share nothing but the folder, started together, record what one process does."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    commands = [[sys.executable, "-m", "benchmark", *RUN, "--shard", f"{number}/3"] for number in (1, 2, 3)]
    running = [subprocess.Popen(command, cwd=here, env=environment) for command in commands]
    codes = [process.wait(timeout=300) for process in running]
    main([*RUN, "--results", "unbroken"])

    assert codes == [0, 0, 0]
    assert complete(here / "results/tiny") == {run.path for run in suite.runs()}
    for path in complete(here / "results/tiny"):
        (_, *one), (_, *other) = (read(here / name / "tiny" / path).records for name in ("results", "unbroken"))
        assert list(map(bare, one)) == list(map(bare, other))
    assert [path.name for path in (here / "results/tiny").glob("suite.json*")] == ["suite.json"]


def bare(record):
    """A record without what is measured."""
    return {name: value for name, value in record.items() if name not in (*MEASURED, "crc")}


def test_a_shard_that_is_done_has_nothing_to_do(here):
    """The same shard once more trains nothing and leaves every byte as it is."""
    main([*RUN, "--shard", "1/3"])
    before = {path: path.read_bytes() for path in (here / "results").rglob("*.jsonl")}

    assert main([*RUN, "--shard", "1/3"]) == 0

    assert {path: path.read_bytes() for path in (here / "results").rglob("*.jsonl")} == before


def test_the_command_to_go_on_names_the_shard(here, capsys):
    """A shard with a run that fails says how to try this shard again."""
    (here / "tiny.toml").write_text(TINY + 'algorithms.bad.searcher = "tests.benchmark.deadly:Raises"\n')

    assert main([*RUN, "--shard", "2/3"]) == 1

    message = capsys.readouterr().err
    assert "2 of 8 runs are not done" in message
    assert "--shard 2/3" in message


def test_shards_of_one_split_hold_the_folder_together(tmp_path):
    """Two different shards run side by side; the same one twice, another split and the whole suite are refused."""
    with claimed(tmp_path, Shard(number=1, of=3)), claimed(tmp_path, Shard(number=2, of=3)):
        for shard in (
            None,
            Shard(number=1, of=3),
            Shard(number=2, of=3),
            Shard(number=1, of=2),
            Shard(number=9, of=13),
        ):
            with pytest.raises(RunRefused, match="another process is running"), claimed(tmp_path, shard):
                pass
        with claimed(tmp_path, Shard(number=3, of=3)):
            pass


def test_the_whole_suite_holds_the_folder_alone(tmp_path):
    """While it runs, no shard begins; afterwards one does, and another split after that."""
    with (
        claimed(tmp_path),
        pytest.raises(RunRefused, match="another process"),
        claimed(tmp_path, Shard(number=1, of=3)),
    ):
        pass
    for shard in (Shard(number=1, of=3), Shard(number=2, of=2), None):
        with claimed(tmp_path, shard):
            pass


def test_a_file_system_without_locks_is_refused(tmp_path, monkeypatch):
    """Where flock itself fails, the message says so and what to do, for shards and without."""

    def flock(file, operation):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("benchmark.folder.fcntl.flock", flock)
    for shard in (None, Shard(number=1, of=2)):
        with (
            pytest.raises(RunRefused, match=r"locks no files \(Function not implemented\).*merge"),
            claimed(tmp_path, shard),
        ):
            pass


def test_a_shard_refuses_the_folder_of_other_settings(here, capsys):
    """Another seed in another shard's ledgers is found before anything is written, though no run is the same."""
    main([*RUN, "--shard", "1/3"])
    before = sorted(here.rglob("*"))

    assert main([*RUN, "--shard", "2/3", "--set", "seed=4"]) == 2

    assert "suite_seed was 3 and is now 4" in capsys.readouterr().err
    assert sorted(here.rglob("*")) == before


def test_a_shard_refuses_the_folder_of_another_machine(here, suite, monkeypatch):
    """A shard on other hardware does not mix its bits in, unless told to."""
    main([*RUN, "--shard", "1/3"])
    monkeypatch.setattr("benchmark.environment._version", lambda package: "0.0")

    def runner(**options):
        machine = Machine(device="cpu", data=None)
        return Runner(
            suite, here / "results", jobs=1, machine=machine, listener=Quiet(), shard=Shard(number=2, of=3), **options
        )

    with pytest.raises(RunRefused, match=r"another machine or library version.*numpy"):
        runner().run()
    assert len(runner(allow_mixed=True).run()) == 6


def test_a_header_is_read_while_its_ledger_is_written(tmp_path):
    """Of another shard's ledger the first record is read, whatever follows; half a one is none yet."""
    path = tmp_path / "000.jsonl"
    with Ledger(path) as ledger:
        assert header_of(part_of(path)) is None
        ledger.append({"kind": "header", "format": 1})
        with part_of(path).open("ab") as file:
            file.write(b'{"kind":"eval')
        assert header_of(part_of(path)) == {"kind": "header", "format": 1}
    part_of(path).write_bytes(part_of(path).read_bytes()[:20])
    assert header_of(part_of(path)) is None
    assert header_of(path) is None


# file systems


MOUNTS = r"""
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw,local_lock=none 0 0
tmpfs /home/me/scratch tmpfs rw 0 0
10.0.0.1@tcp:/work /work lustre rw,flock 0 0
me@server:/x /mnt/two\040words fuse.sshfs rw 0 0
/dev/vdb /covered ext4 rw 0 0
//server/share /covered cifs rw 0 0
half a
"""


@pytest.mark.parametrize(
    ("folder", "kind", "doubted"),
    [
        ("/", "ext4", False),
        ("/var/results", "ext4", False),
        ("/home/me/results", "nfs4", True),
        ("/homer/results", "ext4", False),
        ("/home/me/scratch/results", "tmpfs", False),
        ("/work", "lustre", True),
        ("/mnt/two words/results", "fuse.sshfs", True),
        ("/covered/results", "cifs", True),
    ],
)
def test_network_file_systems_are_found(tmp_path, folder, kind, doubted):
    """The deepest and latest mount counts, escapes are read, and only shared file systems are doubted."""
    table = tmp_path / "mounts"
    table.write_text(MOUNTS)

    assert kind_of(Path(folder), table) == kind
    warning = doubt(Path(folder), table)
    assert (warning is not None) == doubted
    if warning:
        assert folder in warning
        assert kind in warning


def test_no_table_of_mounts_means_no_doubt(tmp_path):
    """Where the system has none, nothing is said."""
    assert kind_of(tmp_path, tmp_path / "none") is None
    assert doubt(tmp_path, tmp_path / "none") is None


def test_the_doubt_is_told_once_when_runs_begin(here, monkeypatch, capsys):
    """On a network file system a line on stderr says what not to rely on."""
    monkeypatch.setattr("benchmark.runner.doubt", lambda folder: f"{folder} is on a network file system (nfs)")

    assert main([word for word in [*RUN, "--shard", "1/18"] if word != "--quiet"]) == 0

    assert capsys.readouterr().err == "results/tiny is on a network file system (nfs)\n"


# plan


def test_an_objective_that_cannot_be_priced_is_named(here, capsys, monkeypatch):
    """Whatever a third party's space or costs raise is one message with the objective's label."""

    def broken(space, rng):
        raise ArithmeticError("no such value")

    monkeypatch.setattr("objectives.space.Space.sample", broken)

    assert main(["plan", "tiny.toml"]) == 2

    told = "objectives.branin: cannot be priced (ArithmeticError: no such value)"
    assert capsys.readouterr().err == f"error: {told}\n"


def test_the_plan_lists_every_run_with_its_shard_and_price(here, suite, capsys):
    """A line for every run, in the suite's order, and the sums; an epoch of these functions costs a second."""
    assert main(["plan", "tiny.toml", "--shards", "4"]) == 0

    head, *lines, total, shards = capsys.readouterr().out.splitlines()
    assert head.split() == ["shard", "seconds", "run"]
    expected = [
        [f"{number}/4", "12", str(run.path)] for number, share in enumerate(split(suite, 4), start=1) for run in share
    ]
    assert [line.split() for line in lines] == expected
    assert total.startswith("suite tiny: 18 runs, about 216 s of training, priced by epyc")
    assert shards.startswith("4 shards of 4 to 5 runs, 48 to 60 s each; 2 repetitions of an objective are cut")
    assert not (here / "results").exists()


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        (["budget={trials=3}"], "12"),
        (["budget={evaluations=2}"], "8"),
        (["budget={runtime=7}"], "7"),
        (["budget={runtime=7}", "n_workers=3"], "21"),
        (["budget={trials=3, epochs=6}"], "6"),
        (['clock="measured"'], "12"),
    ],
)
def test_the_first_limit_of_the_budget_decides_the_price(here, capsys, settings, seconds):
    """Trials count as full trainings, epochs as themselves, and workers spend a runtime side by side."""
    options = [word for setting in settings for word in ("--set", setting)]

    assert main(["plan", "tiny.toml", *options]) == 0

    lines = capsys.readouterr().out.splitlines()[1:-1]
    assert {line.split()[1] for line in lines} == {seconds}


def test_without_prices_the_plan_says_so(here, capsys):
    """A network nobody calibrated has no price, and neither has the sum."""
    (here / "tiny.toml").write_text(
        'budget.trials = 2\nalgorithms.r.searcher = "random"\nobjectives.d.name = "tests.benchmark.deadly:Deadly"\n'
    )

    assert main(["plan", "tiny.toml"]) == 0

    out = capsys.readouterr().out
    assert "?  runs/d/r/000.jsonl" in out
    assert "1 runs; name a calibration" in out


# Slurm


SBATCH = """#!/bin/bash
# Stands for Slurm: runs an array's tasks in turn, and a job that depends on it after them.
set -u
count=$(cat "$FAKE/count" 2>/dev/null || echo 40)
echo $((count + 1)) > "$FAKE/count"
cat > "$FAKE/$count.sh"
echo "$@" > "$FAKE/$count.arguments"
tasks=$(sed -n 's/^#SBATCH --array=1-//p' "$FAKE/$count.sh")
if [ -n "$tasks" ]; then
  for ((task = tasks; task > 0; task--)); do
    SLURM_ARRAY_TASK_ID=$task bash "$FAKE/$count.sh" >> "$FAKE/log" 2>&1; echo "task $task: $?" >> "$FAKE/ends"
  done
else
  bash "$FAKE/$count.sh" >> "$FAKE/log" 2>&1; echo "job: $?" >> "$FAKE/ends"
fi
echo "$count;cluster"
"""


def submitted(here, text):
    """Start a submission script with a fake sbatch; returns the folder of what it was given."""
    fake = here / "fake"
    fake.mkdir(exist_ok=True)
    for name, content in (("sbatch", SBATCH), ("python", f'#!/bin/bash\nexec "{sys.executable}" "$@"\n')):
        (fake / name).write_text(content)
        (fake / name).chmod(0o755)
    environment = {**os.environ, "FAKE": str(fake), "PATH": f"{fake}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash"], input=text, cwd=here, env=environment, text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return fake


def test_the_script_runs_shards_then_merges_and_draws(here, capsys):
    """What it submits is run by a fake sbatch: all shards, then the merge of all their runs, then the tables."""
    options = ["--set", 'title="it\'s $HOME `x` \\\\ \\"q\\""', "--set", "repetitions=2"]
    assert main(["plan", "tiny.toml", *options, "--slurm", "--shards", "2", "--time", "01:30:00"]) == 0
    text = capsys.readouterr().out
    assert "python -m analysis plots tiny --results results\n" in text

    fake = submitted(here, text.replace("analysis plots", "analysis tables"))  # Drawing takes longer than all else.

    log = (fake / "log").read_text()
    assert (fake / "ends").read_text() == "task 2: 0\ntask 1: 0\njob: 0\n", log
    assert "merged 2 folders into results/tiny: 12 of 12 runs done, 12 new there" in log
    assert (here / "results/tiny/tables/summary.csv").exists()
    assert json.loads((here / "results/tiny/suite.json").read_text())["title"] == 'it\'s $HOME `x` \\ "q"'
    assert (fake / "40.arguments").read_text() == "--parsable --output=results/shards/tiny/log/%a.txt\n"
    assert (fake / "41.arguments").read_text().startswith("--dependency=afterany:40 ")
    assert (here / "results/shards/tiny/log").is_dir()


def test_the_script_stops_before_the_tables_while_runs_are_missing(here, capsys):
    """A shard that cannot run leaves a merge that says what is missing, and no table."""
    main(["plan", "tiny.toml", "--slurm", "--shards", "2"])
    text = capsys.readouterr().out
    broken = text.replace("exec python", 'if [ "$SLURM_ARRAY_TASK_ID" = 2 ]; then exit 9; fi\nexec python')

    fake = submitted(here, broken)

    assert (fake / "ends").read_text() == "task 2: 9\ntask 1: 0\njob: 1\n"
    assert "9 of 18 runs done" in (fake / "log").read_text()
    assert not (here / "results/tiny/tables").exists()


@pytest.mark.parametrize("gpus", [0, 2])
@pytest.mark.parametrize("results", ["results", "my results/$x", "/"])
def test_the_script_is_sound_bash(gpus, results):
    """Bash parses the script and both jobs in it, and directives stand before any command."""
    resources = Resources(time="2-00", gpus=gpus, cpus=3)
    text = script("tiny", "my suites/tiny.toml", ["--set", "title='\"'"], "/data sets", results, 7, resources)

    jobs = re.findall(r"<<'(END_OF_\w+)'\n(.*?)\n\1\n", text, re.DOTALL)
    assert [name for name, _ in jobs] == ["END_OF_SHARD", "END_OF_MERGE"]
    for part in (text, *(body for _, body in jobs)):
        subprocess.run(["bash", "-n"], input=part, text=True, check=True)
    for _, body in jobs:
        first, *lines = body.splitlines()
        assert first == "#!/bin/bash"
        kinds = [line.startswith("#SBATCH --") for line in lines]
        assert all(before >= after for before, after in pairwise(kinds))
    assert "#SBATCH --array=1-7\n" in text
    assert "#SBATCH --time=2-00\n" in text
    assert ("#SBATCH --gpus-per-task=2\n" in text) == bool(gpus)
    assert ("--device cuda" in text) == bool(gpus)
    assert ("--device cpu --jobs 3" in text) == (not gpus)


@pytest.mark.parametrize("text", ["90", "01:30", "12:30:00", "1-0", "2-12:30", "0-00:00:01"])
def test_time_limits_of_slurm_are_taken(text):
    """Every form that Slurm's manual lists."""
    assert limit(text) == text


@pytest.mark.parametrize(
    ("options", "told"),
    [
        *(
            (["--slurm", f"--time={text}"], "--time '")
            for text in ("", "0", "0:00", "1h", "-5", "1:2", "1:00\n#", "1.5")
        ),
        (["--slurm", "--gpus", "-1"], "--gpus '-1'"),
        (["--slurm", "--gpus", "x"], "--gpus 'x'"),
        (["--slurm", "--cpus", "0"], "--cpus '0'"),
        (["--slurm", "--shards", "0"], "--shards '0'"),
        (["--slurm", "--shards", "19"], "--shards 19: the suite tiny has 18 runs"),
        (["--shards", "1.5"], "--shards '1.5'"),
        (["--shards=-1"], "--shards '-1'"),
        (["--time", "10"], "give --slurm"),
        (["--gpus", "1"], "give --slurm"),
        (["--slurm", "--data", "nowhere"], "--data 'nowhere'"),
        (["--slurm", "--results", ""], "--results ''"),
        (["--slurm", "--results", "a\nEND_OF_SHARD\nrm -rf b"], "line break"),
        (["--slurm", "--set", 'title="a\\nb"', "--set", "title='''\nEND_OF_MERGE'''"], "line break"),
        (["--slurm", "--set", "seed=-1"], "seed = -1"),
        (["--slurm", "--set", 'algorithms.random.searcher="randm"'], 'did you mean "random"'),
    ],
)
def test_bad_plans_are_refused(here, capsys, options, told):
    """Exit code 2 and one line that names the field; no half script on stdout, and nothing written."""
    assert main(["plan", "tiny.toml", *options]) == 2

    out, message = capsys.readouterr()
    assert out == ""
    assert told in message
    assert message.count("\n") == 1
    assert [path.name for path in here.iterdir()] == ["tiny.toml"]


def test_counts_are_refused_by_name(suite):
    """A number of shards that the suite cannot fill is refused with what it can."""
    with pytest.raises(BadInput, match=r"--shard '1/19': the suite tiny has 18 runs, need 1\.\.18 shards"):
        parse("1/19", suite)
