"""Processes that measure: each prepares a task when it is told to, and then measures it often.

One that hangs, fails or is killed costs a row and not the run.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gpu_needs import child_environment

Task = dict[str, Any]
Prepared = tuple[Callable[[], float], dict[str, float]]
"""What measures, in seconds, and what is known beforehand."""


class PeerError(Exception):
    """A task failed; the message says why."""


class OutOfTimeError(PeerError):
    """No answer came in time, and the process was ended."""


class Peer:
    """A process of a script of this folder, started when it is first asked.

    Args:
        script: its name, or another path; it calls `serve`.
        log: the file that gets what it says on stderr.
    """

    def __init__(self, script: str, log: Path):
        self._script = Path(__file__).parent / script
        self._log = log
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str] = queue.Queue()

    def ask(self, request: Task, seconds: float) -> dict[str, Any]:
        """Return the answer to ``{"prepare": task}``, ``{"measure": True}`` or another request.

        Raises:
            OutOfTimeError: it took longer than so many seconds.
            PeerError: it failed.
        """
        process = self._process or self._start()
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        try:
            line = self._answers.get(timeout=max(seconds, 0))
        except queue.Empty:
            self.close()
            raise OutOfTimeError(f"no answer within {seconds:.0f} s") from None
        if not line:
            code = process.wait()
            self.close()
            raise PeerError(f"the process ended with code {code}; see {self._log.name}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()

    def _start(self) -> "subprocess.Popen[str]":
        with self._log.open("a", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, str(self._script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=child_environment(),
            )
        answers: queue.Queue[str] = queue.Queue()

        def read() -> None:
            assert process.stdout is not None
            with process.stdout as lines:
                for line in lines:
                    answers.put(line)
            answers.put("")

        threading.Thread(target=read, daemon=True).start()
        self._process, self._answers = process, answers
        return process


def serve(prepare: Callable[[Task], Prepared], more: Callable[..., Any] | None = None) -> None:
    """Answer requests, a line of JSON each, until stdin ends.

    Args:
        prepare: ``prepare(task) -> (measure, about)``; the last task that was prepared is measured.
        more: ``more(measure, wanted) -> dict``, the answer to ``{"more": wanted}``.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # What libraries print is no answer.
    measure: Callable[[], float] | None = None
    for line in sys.stdin:
        request = json.loads(line)
        answer: Mapping[str, Any]
        try:
            if "prepare" in request:
                measure = None  # Its memory goes before the next one's comes.
                measure, answer = prepare(request["prepare"])
            elif measure is None:
                raise RuntimeError("nothing is prepared")
            elif "more" in request and more is not None:
                answer = more(measure, request["more"])
            else:
                answer = {"seconds": measure()}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:1000]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
