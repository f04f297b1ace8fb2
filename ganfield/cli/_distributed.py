"""The options by which a command becomes one of several processes."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import NamedSharding, PartitionSpec

import ganfield as gf
from ganfield import program
from ganfield.checks import check_count, check_number

if TYPE_CHECKING:  # It brings Orbax, which takes long to import.
    from ganfield.training._link import Link

AGAIN = "The same command in every process goes on"

_WAIT = 120.0  # seconds
_LONGEST_WAIT = 7 * 24 * 3600
_PORTS = 65535
_PARTING = 2.0  # seconds
_CONNECTING = 60.0  # seconds that JAX has where all processes are there


class _Place(NamedTuple):
    """Which process this is, and where the first one listens."""

    host: str
    port: int
    process: int
    processes: int


def connect(
    coordinator: str | None,
    num_processes: int | None,
    process_id: int | None,
    wait: float | None,
    *,
    folder: Path,
) -> "Link | None":
    """Bring the processes together as the options say; do nothing without a coordinator.

    Args:
        coordinator: "host:port" of the first process, or "auto" where JAX finds all three itself.
        num_processes: how many there are.
        process_id: which one this is, from 0.
        wait: seconds to wait for the others; 120 if None.
        folder: the run's, whose ``events.log`` tells of a process that does not come or is lost.

    Returns:
        What keeps them in touch; None for one process, and for "auto".

    Raises:
        ValueError: an option is missing, or not allowed beside the others.
        OSError: the others do not come.
    """
    place = _place(coordinator, num_processes, process_id, wait)
    seconds = _WAIT if wait is None else wait
    check_number(
        seconds,
        argument="--wait",
        wanted=f"from 1 to {_LONGEST_WAIT} seconds",
        allows=lambda known: 1 <= known <= _LONGEST_WAIT,
    )
    if coordinator is None:
        return None
    if place is None:
        timeout = max(10, round(seconds))
        _initialize(seconds, initialization_timeout=timeout + 60, heartbeat_timeout_seconds=timeout)
        program.before_leaving(_part_by_jax)
        return None
    from ganfield.runs._run_directory import is_run, write_event
    from ganfield.training._meeting import meet
    from ganfield.training._processes import Processes

    try:
        link, port = meet(
            place.host,
            place.port,
            index=place.process,
            count=place.processes,
            wait=seconds,
            say=partial(print, file=sys.stderr, flush=True),
        )
    except OSError as error:
        if place.process == 0 and is_run(folder):
            write_event(folder, str(error))
        raise
    link.give_up = partial(_give_up, folder if place.process == 0 else None)
    program.before_leaving(link.leave)
    Processes.link = link
    address = f"127.0.0.1:{port}"
    _initialize(
        _CONNECTING,
        coordinator_address=address,
        coordinator_bind_address=address if place.process == 0 else None,
        num_processes=place.processes,
        process_id=place.process,
        # The link hears of a death at once. JAX would abort the process.
        heartbeat_timeout_seconds=_LONGEST_WAIT,
    )
    return link


def _place(
    coordinator: str | None, num_processes: int | None, process_id: int | None, wait: float | None
) -> _Place | None:
    """Check the options that say which process this is; None where they do not."""
    if coordinator is None or coordinator == "auto":
        options: dict[str, float | None]
        options = {"num-processes": num_processes, "process-id": process_id}
        if coordinator is None:
            options["wait"] = wait
        for name, value in options.items():
            if value is not None:
                raise ValueError(f"--{name} needs --coordinator ADDRESS, got {coordinator}")
        return None
    if num_processes is None or process_id is None:
        raise ValueError("--coordinator ADDRESS needs --num-processes and --process-id")
    count = check_count(num_processes, argument="--num-processes")
    index = check_count(process_id, argument="--process-id", minimum=0)
    if index >= count:
        raise ValueError(f"--process-id must be below --num-processes {count}, got {index}")
    host, colon, port = coordinator.rpartition(":")
    if not (host and colon and port.isdecimal()):
        raise ValueError(f"--coordinator must be host:port or auto, got {coordinator!r}")
    if len(port) > 5 or not 1 <= int(port) <= _PORTS:
        raise ValueError(f"the port of --coordinator must be from 1 to {_PORTS}, got {port}")
    return _Place(host.strip("[]"), int(port), index, count)


def _initialize(seconds: float, **options: Any) -> None:
    """Call ``jax.distributed.initialize``, and let the devices of all find each other."""
    late = f"the processes did not find each other within {seconds:g} s"
    # Not JAX's own limit of time, at which it aborts.
    timer = threading.Timer(seconds, program.end, (late, 1))
    timer.daemon = True
    timer.start()
    # Its handler of SIGTERM would take the place of ours.
    jax.config.update("jax_enable_preemption_service", False)
    try:
        jax.distributed.initialize(shutdown_timeout_seconds=_LONGEST_WAIT, **options)
        with _without_greetings():
            _speak()
    except (RuntimeError, ValueError) as error:
        raise OSError(f"the processes did not find each other: {error}") from error
    finally:
        timer.cancel()


def _speak() -> None:
    """Let processes, and then all their devices, say something to each other."""
    multihost_utils.sync_global_devices("ganfield")
    mesh = gf.sharding.data_mesh()
    numbers = gf.sharding.spread(np.zeros(mesh.size, np.float32), mesh)
    everywhere = NamedSharding(mesh, PartitionSpec())
    jax.block_until_ready(jax.jit(jnp.sum, out_shardings=everywhere)(numbers))


@contextmanager
def _without_greetings() -> Iterator[None]:
    """Keep what Gloo says from stdout, which may be JSON's."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _give_up(folder: Path | None, why: str, code: int) -> None:
    """End a process whose main thread waits for one that is gone."""
    from ganfield.runs._checkpoints import last_saved
    from ganfield.runs._run_directory import write_event

    if folder is not None and folder.is_dir():
        why = f"{why}; {last_saved(folder / 'checkpoints')}"
        write_event(folder, why)
    program.end(f"{why}. {AGAIN}", code)


def _part_by_jax(code: int) -> None:
    """Leave together where all do; after an error leave the others time to say why they end."""
    shutdown = threading.Thread(target=jax.distributed.shutdown, daemon=True)
    if code == 0 or code > 128:
        shutdown.start()
        # An interrupt may be this process's alone.
        shutdown.join(None if code == 0 else _PARTING)
    else:
        time.sleep(_PARTING)
