"""The options by which a command becomes one of several processes."""

from typing import Any

import jax

from ganfield.checks import check_count


def connect(coordinator: str | None, num_processes: int | None, process_id: int | None) -> None:
    """Call ``jax.distributed.initialize`` as the options say; do nothing without a coordinator.

    Args:
        coordinator: "host:port" of the first process, or "auto" where JAX finds all three itself.
        num_processes: how many there are.
        process_id: which one this is, from 0.

    Raises:
        ValueError: an option is missing, or not allowed beside the others.
        OSError: the others do not come.
    """
    if coordinator is None or coordinator == "auto":
        for name, value in (("num-processes", num_processes), ("process-id", process_id)):
            if value is not None:
                raise ValueError(f"--{name} needs --coordinator ADDRESS, got {coordinator}")
        if coordinator is None:
            return
        options: dict[str, Any] = {}
    else:
        if num_processes is None or process_id is None:
            raise ValueError("--coordinator ADDRESS needs --num-processes and --process-id")
        count = check_count(num_processes, argument="--num-processes")
        index = check_count(process_id, argument="--process-id", minimum=0)
        if index >= count:
            raise ValueError(f"--process-id must be below --num-processes {count}, got {index}")
        if not coordinator.rpartition(":")[2].isdecimal() or ":" not in coordinator:
            raise ValueError(f"--coordinator must be host:port or auto, got {coordinator!r}")
        options = {
            "coordinator_address": coordinator,
            "num_processes": count,
            "process_id": index,
        }
    try:
        jax.distributed.initialize(**options)
    except (RuntimeError, ValueError) as error:
        raise OSError(f"the processes did not find each other: {error}") from error
