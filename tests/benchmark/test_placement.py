"""Several GPUs: every worker has one of its own."""

import subprocess
import sys
from pathlib import Path

from benchmark.placement import claimed_number, placed
from objectives.objective import Machine

ROOT = Path(__file__).resolve().parents[2]
CLAIM = """
import sys
from pathlib import Path
from benchmark.placement import claimed_number
print(claimed_number(Path(sys.argv[1]), 3), flush=True)
sys.stdin.read()
"""


def worker(folder):
    """A process that claims one of three GPUs and holds it until its input ends."""
    command = [sys.executable, "-c", CLAIM, str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_every_process_claims_another_gpu_and_frees_it_at_its_end(tmp_path):
    """Three workers hold three GPUs; a fourth shares; the GPU of one that was killed is taken over."""
    workers = [worker(tmp_path) for _ in range(3)]
    try:
        claimed = [int(process.stdout.readline()) for process in workers]
        assert sorted(claimed) == [0, 1, 2]
        fourth = worker(tmp_path)
        workers.append(fourth)
        assert int(fourth.stdout.readline()) == fourth.pid % 3
        workers[0].kill()
        workers[0].wait()
        workers.append(worker(tmp_path))
        assert int(workers[-1].stdout.readline()) == claimed[0]
    finally:
        for process in workers:
            process.kill()
            process.communicate()


def test_a_process_claims_once(tmp_path):
    """The second call gives the first one's GPU, not another."""
    assert claimed_number(tmp_path, 2) == claimed_number(tmp_path, 2) == 0


def test_a_named_device_is_left_alone(tmp_path):
    """Only `cuda` means any GPU."""
    for device in ("cpu", "cuda:1"):
        machine = Machine(device=device)
        assert placed(machine, tmp_path) is machine
    assert not list(tmp_path.iterdir())
