"""A sweep on a Dask cluster: a worker is killed, then the client, and the sweep goes on."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

import ganfield as gf
from tests.sweeps.cases import LONG_AXES, LONG_STEPS, assert_same, long_build

pytestmark = pytest.mark.long
ROOT = Path(__file__).parents[2]

CLUSTER = """
import os
import sys
import dask
from distributed import LocalCluster
if __name__ == "__main__":
    dask.config.set({"distributed.scheduler.no-workers-timeout": sys.argv[1]})
    if sys.argv[2:]:
        os.environ[sys.argv[2]] = ""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
    ) as cluster:
        pids = [worker.process.pid for worker in cluster.workers.values()]
        print(cluster.scheduler_address, *pids, flush=True)
        for line in sys.stdin:
            cluster.scale(0)
"""

CLIENT = """
import sys
import time
from distributed import Client
import ganfield as gf
from tests.sweeps.cases import LONG_AXES, LONG_STEPS, long_build
def progress(step, record):
    print("piece", flush=True)
    time.sleep(float(sys.argv[3]))
if __name__ == "__main__":
    with Client(sys.argv[1], set_as_default=False) as client:
        gf.sweep(
            long_build, LONG_AXES, num_steps=LONG_STEPS, piece_size=4, folder=sys.argv[2],
            executor=client.get_executor(pure=False), progress=progress,
        )
    print("done", flush=True)
"""


@contextmanager
def started(code, *arguments):
    """Yield a Python process, which is ended at last."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "JAX_NUM_CPU_DEVICES": "1"},
    )
    try:
        with process:
            yield process
            process.stdin.close()
    finally:
        process.kill()


def lines_of(process, count):
    return [process.stdout.readline().strip() for _ in range(count)]


def pieces(folder):
    return len(list((folder / "pieces").glob("[0-9]*.npz")))


def test_a_worker_is_killed_then_the_client_and_the_sweep_goes_on(tmp_path):
    with started(CLUSTER, "60s") as cluster:
        address, first, _ = lines_of(cluster, 1)[0].split()
        with started(CLIENT, address, tmp_path, 0.3) as client:
            assert lines_of(client, 2) == ["piece"] * 2
            os.kill(int(first), signal.SIGKILL)  # its nanny starts another one
            assert lines_of(client, 3) == ["piece"] * 3
            client.kill()
            client.wait(60)
        assert 5 <= pieces(tmp_path) < 12
        with started(CLIENT, address, tmp_path, 0.0) as client:
            said = client.stdout.read().split()
        assert said[-1] == "done"
        assert pieces(tmp_path) == 12
    here = gf.sweep(long_build, LONG_AXES, num_steps=LONG_STEPS, piece_size=4)
    assert here.run.stopped_at.shape == (4, 2, 6)
    # The same call, with all pieces there, is the result of the cluster.
    assert_same(read(tmp_path), here)


def test_a_cluster_that_loses_every_worker_loses_nothing(tmp_path):
    with started(CLUSTER, "1s", "HOLD") as cluster:
        address, *_ = lines_of(cluster, 1)[0].split()
        with started(CLIENT, address, tmp_path, 0.3) as client:
            assert lines_of(client, 2) == ["piece"] * 2
            cluster.stdin.write("lose them\n")
            cluster.stdin.flush()
            _, error = client.communicate(timeout=120)
        last = error.strip().splitlines()[-1]
        assert last.startswith("ConnectionError: the executor lost its workers (")
        assert last.endswith("the same call goes on from there")
        assert 2 <= pieces(tmp_path) <= 6
    assert read(tmp_path).done is None


def read(folder):
    return gf.sweep(long_build, LONG_AXES, num_steps=LONG_STEPS, piece_size=4, folder=folder)
