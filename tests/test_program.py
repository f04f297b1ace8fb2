"""Ctrl-C ends a program in a sentence, with the code 130, whenever it comes."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ganfield as gf
from ganfield import cli, program

ROOT = Path(gf.__file__).parents[1]
EXPERIMENTS = ROOT / "experiments"
SCRIPTS = sorted(
    path.relative_to(EXPERIMENTS)
    for path in EXPERIMENTS.glob("*/*.py")
    if "    script(main, Config)\n" in path.read_text("utf-8")
)
GUARD = """
if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()
"""


class Started:
    """A process that says on stderr, in a file, what it imports."""

    def __init__(self, *arguments, folder, **environment):
        self.said, self.printed = folder / "stderr.txt", folder / "stdout.txt"
        # What runs in the background ignores Ctrl-C, and so would its processes.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        with self.said.open("w") as said, self.printed.open("w") as printed:
            self.process = subprocess.Popen(
                [sys.executable, "-X", "importtime", *map(str, arguments)],
                cwd=folder,
                stdout=printed,
                stderr=said,
                env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            )
        signal.signal(signal.SIGINT, before)

    def interrupted(self, delay=0.0):
        """Send Ctrl-C some time after the process has begun to import what takes long."""
        while "numpy" not in self.said.read_text():
            assert self.process.poll() is None
            time.sleep(0.01)
        time.sleep(delay)
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self):
        """Return the code, what was printed, and what was said beside the times of imports."""
        code = self.process.wait(timeout=300)
        lines = self.said.read_text().splitlines()
        said = [line for line in lines if not line.startswith("import time:")]
        return code, self.printed.read_text(), said


@pytest.mark.parametrize("path", SCRIPTS, ids=str)
def test_every_script_guards_its_imports_first(path):
    _, doc, rest = (EXPERIMENTS / path).read_text("utf-8").split('"""', 2)
    assert doc
    assert rest.startswith("\n" + GUARD)


@pytest.mark.parametrize(
    "arguments", [("-m", "ganfield", "list"), (EXPERIMENTS / "vector_fields/curl.py",)], ids=str
)
def test_imports_end_in_a_sentence(arguments, tmp_path):
    assert Started(*arguments, folder=tmp_path).interrupted() == (130, "", ["error: interrupted"])


@pytest.mark.slow
def test_an_import_of_the_library_leaves_ctrl_c_alone(tmp_path):
    code = (
        "import signal, sys, ganfield\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
        "assert sys.excepthook is sys.__excepthook__\n"
    )
    path = tmp_path / "other.py"
    path.write_text(code)
    assert Started(path, folder=tmp_path).ended() == (0, "", [])


def run_as_program(code, folder):
    """Run a small script that is a program, without the imports of the library."""
    path = folder / "small.py"
    module = "sys.modules['program'] = program = types.ModuleType('program')\n"
    text = (
        "import os, signal, sys, types\n"
        f"{module}exec(open({program.__file__!r}).read(), program.__dict__)\n"
        f"program.begin()\n{code}"
    )
    path.write_text(text)
    return Started(path, folder=folder).ended()


def test_what_becomes_of_ctrl_c_is_an_interrupt(tmp_path):
    code = """
class Dying:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(10): pass

def lost():  # in a destructor, which exceptions can't leave
    import time
    Dying()
    time.sleep(400)

def translated():
    try:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(10): pass
    except KeyboardInterrupt:
        raise RuntimeError("a callback failed")

for end in (lost, translated):
    try:
        with program.Running():
            end()
    except KeyboardInterrupt:
        print(end.__name__, program.interrupted())
print("kept", end="")
program.leave(program.interrupted())
"""
    assert run_as_program(code, tmp_path) == (130, "lost 143\ntranslated 130\nkept", [])


# What neither ends soon nor lets Python hear anything, as compiled code does.
_DEAF = """
import hashlib, threading
program._PATIENCE = 0.1

def after(seconds, *lines):
    def send():
        for line in lines:
            print(line, flush=True)
        os.kill(os.getpid(), signal.{signal})
    threading.Timer(seconds, send).start()

def wait():
    hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 10**8)
"""


@pytest.mark.parametrize(("signal", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_main_thread_that_cannot_hear_is_ended(signal, code, tmp_path):
    waits = "after(0.1)\nwith program.Running(): wait()"
    assert run_as_program(_DEAF.format(signal=signal) + waits, tmp_path) == (
        (code, "", ["error: interrupted"])
    )


def test_a_program_ends_though_nobody_reads_what_it_says(tmp_path):
    code = "os.close(2)\nos.dup2(os.open(os.devnull, os.O_RDONLY), 2)\nprogram.end('late', 7)"
    assert run_as_program(code, tmp_path)[:2] == (7, "")


def test_what_keeps_its_results_is_waited_for_once(tmp_path):
    waits = (
        "after(0.1)\nafter(0.5, 'still there')\n"
        "program.before_leaving(lambda code: os.write(1, b'parts with %d' % code))\n"
        "with program.Running(), program.Keeping(): wait()"
    )
    assert run_as_program(_DEAF.format(signal="SIGINT") + waits, tmp_path) == (
        (130, "still there\nparts with 130", ["error: interrupted"])
    )


def test_sigterm_is_heard_as_ctrl_c_is(tmp_path):
    code = """
try:
    with program.Running():
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(10): pass
except KeyboardInterrupt:
    print(program.interrupted(), end="")
"""
    assert run_as_program(code, tmp_path) == (0, "143", [])


def test_outside_of_what_runs_it_ends_at_once(tmp_path):
    code = "os.kill(os.getpid(), signal.SIGINT)\nprint('never')"
    assert run_as_program(code, tmp_path) == (130, "", ["error: interrupted"])


def test_a_program_that_ignores_ctrl_c_goes_on(tmp_path):
    code = "os.kill(os.getpid(), signal.SIGINT)\nprint('done')"
    path = tmp_path / "ignoring.py"
    path.write_text(
        "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nimport os, types\n"
        f"program = types.ModuleType('program')\nexec(open({program.__file__!r}).read(), "
        f"program.__dict__)\nprogram.begin()\n{code}"
    )
    assert Started(path, folder=tmp_path).ended() == (0, "done\n", [])


def test_an_interrupted_program_leaves_without_jax(monkeypatch, capsys):
    left = []
    monkeypatch.setattr(program, "_is_program", True)
    monkeypatch.setattr(program, "_handle", lambda handler: None)
    monkeypatch.setattr(os, "_exit", left.append)

    def fail(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("ganfield.cli._app.run", fail)
    assert cli.main(["list"]) == 130
    with pytest.raises(SystemExit):
        cli.script(fail, lambda: None, [])
    assert left == [130, 130]


def commands(folder):
    """What is interrupted in the middle of compiling and running, and seconds that it takes."""
    field = ("-m", "ganfield", "field", "--game", "lattice", "--num-steps", 3 * 10**7)
    train = ("-m", "ganfield", "train", folder / "run", "--preset", "digits/mlp")
    sweep = ("-m", "ganfield", "sweep", "--preset", "ring", "--output", folder / "sweep")
    find = ("-m", "ganfield", "equilibria", "--game", "lattice", "--num-starts", 10**7)
    classify = folder / "classify.py"
    classify.write_text(_CLASSIFY)
    return {
        "field": (field, 6),
        "ring": ((EXPERIMENTS / "numerics_of_gans/ring.py", "--output", folder), 25),
        "train": ((*train, "--num-steps", 10**7), 25),
        "sweep": ((*sweep, "--axis", "seed=0:8", "--num-steps", 10**6), 25),
        "equilibria": (find, 10),
        "classify": ((classify,), 15),
    }


# NumPy's solver, which hears nothing, takes longer than anybody waits.
_CLASSIFY = """
import ganfield.program
ganfield.program.begin()
from dataclasses import dataclass
import numpy as np
import ganfield as gf
from ganfield.cli import script

@dataclass(frozen=True)
class Config:
    \"\"\"Classify.\"\"\"

def main(config):
    matrix = np.random.default_rng(0).normal(size=(6000, 6000))
    start = gf.Players(np.zeros(6000), 0.0)
    gf.classify(lambda x, batch=None: x._replace(theta=matrix @ x.theta), start)

script(main, Config)
"""


@pytest.mark.long
@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("name", ["field", "ring", "train", "sweep", "equilibria", "classify"])
def test_ctrl_c_at_any_moment(name, number, tmp_path):
    moment = random.Random(f"{name}{number}")
    # Compiled by the process itself, and as slowly as a user's.
    slow = {"JAX_ENABLE_COMPILATION_CACHE": "0", "JAX_DISABLE_MOST_OPTIMIZATIONS": "0"}
    arguments, seconds = commands(tmp_path)[name]
    process = Started(*arguments, folder=tmp_path, XLA_FLAGS="", **slow)
    code, out, err = process.interrupted(moment.uniform(0, seconds))
    assert code == 130, (out, err)
    assert "Traceback" not in out + "".join(err)
