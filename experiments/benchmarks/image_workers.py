"""Processes that measure when they are told to, and nothing of each other's in their memory."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Worker:
    """A process that runs a script of this folder, which measures once for every line it reads.

    Not a worker of `multiprocessing`: those import what the script that starts them imports, and
    the peak of PyTorch's memory would have JAX in it.

    Args:
        script: the script's name; it calls `serve`.
        task: what it is to measure, as JSON has it.
    """

    def __init__(self, script: str, task: dict[str, Any]):
        self.script = script
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name(script)), json.dumps(task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def measure(self) -> dict[str, float]:
        """Return one measurement.

        Raises:
            ChildProcessError: the process ended; why is on stderr.
        """
        sent, answers = self.process.stdin, self.process.stdout
        assert sent is not None
        assert answers is not None
        try:
            sent.write("\n")
            sent.flush()
            line = answers.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise ChildProcessError(f"{self.script} ended with code {self.process.wait()}")
        answer: dict[str, float] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def serve(prepare: Callable[[dict[str, Any]], Callable[[], dict[str, float]]]) -> None:
    """Measure once for every line on stdin.

    Args:
        prepare: ``prepare(task) -> measure``, called once.
    """
    measure = prepare(json.loads(sys.argv[1]))
    for _ in sys.stdin:
        print(json.dumps(measure()), flush=True)


def peak_memory() -> int:
    """Return the most bytes that this process has held in memory."""
    status = Path("/proc/self/status")
    if status.exists():  # The kernel's other count begins with the parent's.
        for line in status.read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
