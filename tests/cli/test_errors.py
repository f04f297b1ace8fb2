"""Bad arguments: a line that helps, an exit code, and no traceback."""

import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from ganfield import cli
from ganfield.cli import _app


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("feild", "unknown command 'feild': did you mean 'field'?"),
        ("field --game dirac", "unknown game 'dirac': did you mean 'dirac_gan'?"),
        ("field --game bigan", "play it by `ganfield train RUN --set game.name=bigan`"),
        ("field --game sine --method simul", "did you mean 'simultaneous'?"),
        ("field --game sine --optimizer adma", "did you mean 'adam'?"),
        ("field --game sine --kind strem", "did you mean 'stream'?"),
        ("spectrum --game sine --transform consenus", "did you mean 'consensus'?"),
        ("spectrum --game dirac_gan --objective standrad", "did you mean 'standard'?"),
        ("spectrum --game dirac_gan --set penalty_wieght=2", "did you mean 'penalty_weight'?"),
        ("spectrum --game dirac_gan --set penalty=r3", "unknown penalty 'r3': did you mean"),
        ("list gmaes", "did you mean 'games'?"),
        ("train --output run", "its folder comes first: ganfield train RUN"),
        ("train --preset digits/mlp --output=run", "its folder comes first: ganfield train RUN"),
        ("spectrum --game sine --objective js", "--objective is for the game dirac_gan"),
        ("spectrum --game sine --gamma 2", "--gamma is for the transforms consensus, jare"),
        ("spectrum --game sine --transform jare --gamma -1", "--gamma must be a finite number ≥ 0"),
        ("spectrum --game sine --transform jare --gamma nan", "--gamma must be a finite"),
        ("spectrum --game sine --set x=2", "the game 'sine' has no parameters, got 'x=2'"),
        ("spectrum --game bilinear --set coupling", "--set must be NAME=VALUE"),
        ("spectrum --game bilinear --set coupling=", "--set must be NAME=VALUE"),
        ("spectrum --game bilinear --set coupling=big", "coupling must be a finite number"),
        ("spectrum --game bilinear --set coupling=1,2", "coupling must be a finite number"),
        ("spectrum --game bilinear --set coupling=inf", "coupling must be a finite number"),
        ("spectrum --game bilinear --set coupling=1 --set coupling=2", "must give coupling once"),
        ("spectrum --game dirac_gan --objective js --set objective=kl", "objective once"),
        ("spectrum --game dirac_gan --objective js --set game.objective=kl", "objective once"),
        (
            "spectrum --game almost_bilinear --transform symplectic --set epsilon=0.2",
            "both have epsilon: say game.epsilon or transform.epsilon",
        ),
        (
            "spectrum --game sine --transform symplectic --set game.align=0",
            "the game has no parameters here",
        ),
        ("spectrum --game sine --transform jare --set transform.gamma=2", "no parameters"),
        ("spectrum --game covariance --set sigma=-1", "sigma must be a positive number"),
        ("spectrum --game sine --at 1", "--at must be two numbers"),
        ("spectrum --game sine --step 3", "--step is for the folder of a run, got it with --game"),
        ("spectrum --game sine --at 1,inf", "--at must be two numbers"),
        ("spectrum --game sine --step-size 0", "--step-size must be a finite number > 0"),
        ("spectrum --game dirac_gan --set penalty=wgan_gp", "--at must be given"),
        ("spectrum --game sine --output s.jpg", "must end in .pdf, .png or .svg, got 's.jpg'"),
        ("field --game sine --output field", "must end in .pdf, .png or .svg, got 'field'"),
        ("field --game sine --output /dev/null/f.png", "the folder of --output"),
        ("field --game sine --start 3,3", "--start must be within the bounds"),
        ("field --game sine --start 1,1 2", "--start must be two numbers"),
        ("field --game sine --start one,1", "got 'one,1'"),
        ("field --game sine --bounds 2", "--bounds must be LOW,HIGH"),
        ("field --game sine --bounds 1,2,3", "--bounds must be LOW,HIGH"),
        ("field --game sine --bounds 2,-2", "--bounds must rise"),
        ("field --game sine --step-size nan", "--step-size must be"),
        ("field --game sine --num-steps -1", "--num-steps must be an integer ≥ 0"),
        ("equilibria --game sine --num-starts 0", "--num-starts must be an integer ≥ 1"),
        ("equilibria --game sine --max-points 0", "--max-points must be an integer ≥ 1"),
        ("equilibria --game sine --seed -1", "--seed must be"),
        ("equilibria --game sine --seed 99999999999999999999", "--seed must be"),
    ],
)
def test_bad_arguments_are_one_line(args, said, run, tmp_path):
    code, out, err = run(*args.split())
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("", "{field, spectrum, equilibria, branches, explore"),
        ("spectrum", "--game NAME"),
        ("spectrum --game sine --gama 2", "--gamma FLOAT"),
        ("spectrum --game sine --gamma two", "could not convert string to float: 'two'"),
        ("field --game sine --num-steps 1.5", "--num-steps"),
        ("list games methods", "methods"),
        ("train", "RUN"),
        ("train --num-steps 3 --prest digits/mlp run", "--help"),
    ],
)
def test_what_tyro_cannot_read_has_the_same_code(args, said, run):
    code, out, err = run(*args.split())
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "args", "extra"),
    [
        ("tyro", "list", "cli"),
        ("rich", "list", "cli"),
        ("matplotlib", "spectrum --game sine --output s.png", "cli"),
        ("matplotlib", "field --game sine", "cli"),
        ("flax", "list networks", "networks"),
        ("orbax", "train run", "images"),
        ("tensorboardX", "train run --tensorboard", "tensorboard"),
    ],
)
def test_a_missing_package_is_a_message(package, args, extra, tmp_path):
    code = (
        f"import sys; sys.modules[{package!r}] = None; from ganfield.cli import main; "
        f"sys.exit(main({args.split()!r}))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert (process.returncode, process.stdout) == (1, "")
    assert process.stderr == f"error: this needs {package}: pip install 'ganfield[{extra}]'\n"


def test_an_import_that_fails_otherwise_is_no_missing_package(monkeypatch, run):
    monkeypatch.setitem(sys.modules, "ganfield.cli._app", None)
    with pytest.raises(ModuleNotFoundError, match="_app"):
        run("list")


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (OSError("disk is full"), 1, "error: disk is full\n"),
    ],
)
def test_what_ends_a_command_has_a_code(raised, code, said, monkeypatch, run):
    def fail(*args):
        raise raised

    monkeypatch.setattr(_app.List, "run", fail)
    assert run("list") == (code, "", said)


def test_a_figure_that_cannot_be_written_leaves_the_old_one(monkeypatch, run, tmp_path):
    def break_off(self, path, **_):
        Path(path).write_bytes(b"half")
        raise OSError("disk is full")

    (tmp_path / "s.png").write_text("old")
    monkeypatch.setattr(Figure, "savefig", break_off)
    assert run("spectrum", "--game", "sine", "--output", "s.png") == (
        1,
        "",
        "error: disk is full\n",
    )
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("s.png", "old")]


def shell(*args, **options):
    command = [sys.executable, "-m", "ganfield", *args]
    return subprocess.run(command, capture_output=True, check=False, **options)


@pytest.mark.slow
def test_a_process_prints_json_alone_and_exits_with_the_code(tmp_path):
    process = shell("equilibria", "--game", "bilinear", "--bounds", "1,2", "--json", cwd=tmp_path)
    assert (process.returncode, process.stderr) == (1, b"")
    assert json.loads(process.stdout)["equilibria"] == []
    process = shell("field", "--game", "bilnear", cwd=tmp_path)
    assert (process.returncode, process.stdout) == (2, b"")
    assert b"did you mean 'bilinear'" in process.stderr


@pytest.mark.slow
def test_letters_that_the_terminal_has_not_are_no_error(tmp_path):
    process = shell("list", "games", cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (process.returncode, process.stderr) == (0, b"")
    assert b"matching_pennies" in process.stdout


@pytest.mark.slow
def test_a_reader_that_goes_is_no_traceback(tmp_path):
    command = f"{sys.executable} -m ganfield list --json | true"
    process = subprocess.run(command, shell=True, capture_output=True, cwd=tmp_path, check=False)
    assert process.stderr == b""


def test_the_entry_point_is_declared():
    root = Path(cli.__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    (script,) = project["scripts"].items()
    assert script[0] == "ganfield"
    assert EntryPoint(*script, "console_scripts").load() is cli.main
