"""What tests of the command line share."""

import json

import pytest

from ganfield.cli import main


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run a command in an empty folder; return its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def call(*args):
        code = main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def run_json(run):
    """Run a command with --json that succeeds; return what it says."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    def call(*args, code=0):
        returned, out, err = run(*args, "--json")
        assert (returned, err) == (code, "")
        return json.loads(out, parse_constant=refuse)

    return call
