"""What scripts share: folder, clock, results, tables, exit codes; and names that clash nowhere."""

import dataclasses
import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

import ganfield as gf
from ganfield.cli import script

EXPERIMENTS = Path(gf.__file__).parents[1] / "experiments"


@dataclasses.dataclass(frozen=True)
class Config:
    """Measure nothing."""

    output: Path = Path("results")
    """Folder for result.json."""


def test_a_result_says_what_it_was_made_with(tmp_path):
    experiment = gf.reporting.Experiment(Config(tmp_path / "new"))
    experiment.save("result.json", jsd=0.5)
    result = json.loads((tmp_path / "new" / "result.json").read_text("utf-8"))
    assert result["config"] == {"output": str(tmp_path / "new")}
    assert result["jsd"] == 0.5
    assert set(gf.reporting.provenance()) < set(result)
    # What is given counts, as where a measurement goes on.
    experiment.save("result.json", config={"steps": 3})
    assert json.loads((tmp_path / "new" / "result.json").read_text("utf-8"))["config"] == {
        "steps": 3
    }
    elsewhere = gf.reporting.Experiment(Config(tmp_path / "new"), tmp_path / "other")
    assert elsewhere.folder == tmp_path / "other"
    assert elsewhere.folder.is_dir()


def test_laps_add_up_to_the_whole(tmp_path, monkeypatch, capsys):
    clock = iter((10.0, 12.0, 15.5, 16.0, 17.0))
    monkeypatch.setattr(gf.reporting, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    experiment = gf.reporting.Experiment(Config(tmp_path))
    assert [experiment.lap(), experiment.lap()] == [2.0, 3.5]
    assert experiment.seconds == 6.0
    experiment.finish("a table", "a note")
    said = capsys.readouterr().out
    assert said == f"a table\n\na note\n\n7 s in all; results are in {tmp_path}\n"


def test_tables():
    head, rows = ("method", "‖v‖"), [("consensus", "0.015"), ("−∇L", "")]
    assert gf.reporting.table(head, rows).splitlines() == [
        "method     ‖v‖",
        "---------  -----",
        "consensus  0.015",
        "−∇L",
    ]
    assert gf.reporting.table(head, iter(rows), markdown=True).splitlines() == [
        "| method | ‖v‖ |",
        "| --- | --- |",
        "| consensus | 0.015 |",
        "| −∇L |  |",
    ]
    with pytest.raises(ValueError, match="zip"):
        gf.reporting.table(head, [("one cell",)])


def test_publish_replaces_what_is_between_the_marks(tmp_path):
    path = tmp_path / "README.md"
    begin, end = "<!-- rates: begin -->", "<!-- rates: end -->"
    path.write_text(f"above\n\n{begin}\nold\n{end}\n\nbelow\n", "utf-8")
    for text in ("new\n", "newer, ‖v‖\n"):
        gf.reporting.publish(path, "rates", text)
        assert path.read_text("utf-8") == f"above\n\n{begin}\n{text}{end}\n\nbelow\n"
    with pytest.raises(ValueError, match="readme must have the lines '<!-- images: begin -->"):
        gf.reporting.publish(path, "images", "lost\n")
    assert path.read_text("utf-8") == f"above\n\n{begin}\n{text}{end}\n\nbelow\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ValueError("steps must be an integer"), 2, "error: steps must be an integer\n"),
        (OSError("disk is full"), 1, "error: disk is full\n"),
        (KeyboardInterrupt(), 130, "Interrupted: what was written"),
    ],
)
def test_what_ends_a_script_becomes_its_exit_code(error, code, said, capsys):
    def main(config):
        raise error

    with pytest.raises(SystemExit) as stop:
        script(main, Config, [])
    assert stop.value.code == code
    printed = capsys.readouterr()
    assert (printed.out + printed.err).startswith(said)


def test_a_script_gets_its_options(tmp_path):
    configs = []
    script(configs.append, Config, ["--output", str(tmp_path)])
    assert configs == [Config(tmp_path)]


def test_every_module_has_a_name_of_its_own():
    # Scripts import their neighbours by these names, and mypy sees all folders as one.
    names = Counter(path.name for path in EXPERIMENTS.rglob("*.py"))
    assert [name for name, count in names.items() if count > 1] == []
