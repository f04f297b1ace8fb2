"""Pieces on the workers of somebody else's executor."""

from __future__ import annotations

import importlib
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, as_completed
from typing import Any

import jax

from ganfield._extras import need
from ganfield._files import reason_of
from ganfield.sweeps._piece import Done, Runner
from ganfield.sweeps._plan import Plan, is_float64

_MOST = 8  # programs that a worker keeps
_runners: OrderedDict[Any, Runner] = OrderedDict()
# One piece at a time: each takes all devices of its process.
_working = threading.Lock()


def check_executor(executor: Any) -> None:
    """Raise a ``ValueError`` for what is no executor of ``concurrent.futures``."""
    if not isinstance(executor, Executor):
        raise ValueError(
            "executor must be one of concurrent.futures, such as Dask's Client.get_executor(), "
            f"got {type(executor).__name__}"
        )
    need("cloudpickle", who="executor=")


def packed(plan: Plan) -> list[bytes]:
    """Return what a worker needs to know of each program.

    Raises:
        ValueError: a function or value can't travel; the message names it.
    """
    shared = {"steps": plan.steps, "record_every": plan.record_every}
    parts: dict[str, Any] = {"build": plan.build}
    parts |= {f"fixed[{name!r}]": value for name, value in plan.given.items()}
    for program in plan.programs:
        for name, value in program.chosen.items():
            kind = "axes" if name in plan.axes else "fixed"
            parts[f"{kind}[{name!r}], here {value!r:.60},"] = value
    for name, part in parts.items():
        _dumped(part, name)
    return [
        _dumped((plan.build, program.chosen, plan.given, shared), "this sweep")
        for program in plan.programs
    ]


def work(program: bytes, points: bytes, count: int, *, float64: bool, precision: Any) -> Done:
    """Run a piece; this is what an executor is handed.

    A worker keeps the programs that it has compiled.
    """
    pickle = importlib.import_module("cloudpickle")
    known = program, float64, precision
    with _working, jax.enable_x64(float64), jax.default_matmul_precision(precision):
        if known not in _runners:
            *arguments, shared = pickle.loads(program)
            _runners[known] = Runner(*arguments, **shared)
        _runners.move_to_end(known)
        while len(_runners) > _MOST:
            _runners.popitem(last=False)
        return _runners[known](pickle.loads(points), count)


def run_on(executor: Executor, plan: Plan, todo: Sequence[int]) -> Iterator[tuple[int, Done]]:
    """Yield the place of a piece and what became of it, as they come.

    Raises:
        ConnectionError: the executor lost its workers.
    """
    config: Any = jax.config  # whose flags are no attributes to a type checker
    programs = packed(plan)
    flags = {"float64": is_float64(), "precision": config.jax_default_matmul_precision}
    futures: dict[Future[Done], int] = {}
    lost: BaseException | None = None
    try:
        for place in todo:
            piece = plan.pieces[place]
            points = _dumped(plan.points(piece) if plan.traced else {}, "axes")
            count = piece.end - piece.begin
            futures[executor.submit(work, programs[piece.program], points, count, **flags)] = place
        for future in as_completed(list(futures)):
            place = futures.pop(future)  # and with it its result
            error = future.exception()
            if error is None:
                yield place, future.result()
            elif _is_loss(error):  # Others may have done their pieces, or still do them.
                lost = error
            else:
                raise error
    except CancelledError as error:
        lost = error
    finally:
        for future in futures:
            future.cancel()
    if lost is not None:
        raise ConnectionError(f"the executor lost its workers ({_reason(lost)})") from lost


def _is_loss(error: BaseException) -> bool:
    """Return whether workers are gone, and nothing is wrong with the runs."""
    known = isinstance(error, BrokenExecutor | CancelledError | ConnectionError)
    return known or _is_of_dask(type(error).__module__) or _is_of_dask(_raised_in(error))


def _is_of_dask(module: str) -> bool:
    return module.partition(".")[0] == "distributed"


def _raised_in(error: BaseException) -> str:
    """Return the module that raised an error."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else str(trace.tb_frame.f_globals.get("__name__", ""))


def _reason(error: BaseException) -> str:
    name = type(error).__name__
    if type(error).__module__ == "builtins" and not isinstance(error, ConnectionError):
        # Dask stumbles over its own exception where a scheduler has no workers left.
        return "their scheduler gave up"
    said = str(error).strip().splitlines() or ["no reason given"]
    return f"{name}: {said[0][:200].rstrip('. ')}"


def _dumped(value: Any, name: str) -> bytes:
    pickle = importlib.import_module("cloudpickle")
    try:
        return pickle.dumps(value)
    except Exception as error:
        raise ValueError(
            f"{name} can't be sent to another process: {reason_of(error)}. Make it where it is "
            "used, inside of build, say"
        ) from error
