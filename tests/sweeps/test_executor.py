"""Pieces on executors of ``concurrent.futures``."""

import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import optax
import pytest

import ganfield as gf
from tests.sweeps.cases import AXES, BILINEAR, assert_same, build


class AtOnce(Executor):
    """An executor that does everything when it is asked to, until it breaks."""

    def __init__(self, lost_after=None):
        self.lost_after = lost_after
        self.submitted = 0

    def submit(self, function, /, *args, **kwargs):
        self.submitted += 1
        future = Future()
        if self.lost_after is not None and self.submitted > self.lost_after:
            future.set_exception(BrokenProcessPool("a child process terminated abruptly"))
        else:
            future.set_result(function(*args, **kwargs))
        return future


@pytest.fixture(scope="module")
def whole():
    return gf.sweep(build, AXES, num_steps=5, piece_size=5)


@pytest.mark.slow
def test_an_executor_does_what_one_process_does(whole):
    told = []
    with ThreadPoolExecutor(2) as threads:
        runs = gf.sweep(
            build, AXES, num_steps=5, piece_size=5, executor=threads,
            progress=lambda step, record: told.append((step, record["distance"].shape)),
        )  # fmt: skip
    assert_same(runs, whole)
    assert len(told) == 10
    assert told[-1][0] == 5
    assert {shape for _, shape in told} == {(5,), (4,)}


@pytest.mark.slow
def test_an_executor_that_loses_its_workers_loses_nothing(tmp_path, whole):
    arguments = {"num_steps": 5, "piece_size": 5, "folder": tmp_path}
    said = (
        r"the executor lost its workers \(BrokenProcessPool: a child process .* abruptly\): "
        r"4 of 10 pieces are done and saved in .*; the same call goes on from there"
    )
    with pytest.raises(ConnectionError, match=said):
        gf.sweep(build, AXES, **arguments, executor=AtOnce(lost_after=4))
    rest = AtOnce()
    assert_same(gf.sweep(build, AXES, **arguments, executor=rest), whole)
    assert rest.submitted == 6


def test_an_error_of_a_run_is_its_own():
    class Failing(AtOnce):
        def submit(self, function, /, *args, **kwargs):
            future = Future()
            future.set_exception(RuntimeError("mine"))
            return future

    with pytest.raises(RuntimeError, match="mine"):
        gf.sweep(build, AXES, num_steps=1, executor=Failing())


def test_what_is_no_executor_is_refused():
    with pytest.raises(ValueError, match=r"executor must be one of concurrent.futures, .* got str"):
        gf.sweep(build, AXES, num_steps=1, executor="tcp://localhost:8786")


def test_what_cannot_travel_is_named():
    lock = threading.Lock()

    def locked(step_size, method, seed):
        with lock:
            return build(step_size, method, seed)

    with pytest.raises(ValueError, match=r"build can't be sent to another process: .*lock"):
        gf.sweep(locked, AXES, num_steps=1, executor=AtOnce())

    def with_lock(step_size, method, seed):
        return build(step_size, "simultaneous", seed)

    axes = AXES | {"method": {"one": threading.Lock()}}
    with pytest.raises(ValueError, match=r"axes\['method'\], here <unlocked.*can't be sent"):
        gf.sweep(with_lock, axes, num_steps=1, executor=AtOnce())


@pytest.mark.slow
def test_float64_travels(x64):
    def build(step_size):
        method = gf.simultaneous(optax.sgd(step_size))
        return gf.simulation(method, BILINEAR, gf.Players(1.0, 0.0))

    axes = {"step_size": np.array([1e-9])}
    with ThreadPoolExecutor(1) as threads:
        runs = gf.sweep(build, axes, num_steps=1, executor=threads)
    assert runs.run.params.phi.dtype == np.float64
    assert runs.run.params.phi[0] == 1e-9
