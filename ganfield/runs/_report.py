"""A run on one page: curves, samples, scores, where it comes from and what happened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np

from ganfield import _html
from ganfield._files import write_file
from ganfield.configuration import Config
from ganfield.configuration._settings import flat
from ganfield.reporting import check_folder
from ganfield.runs._chart import curves, drawn
from ganfield.runs._load import NewerRunError, SavedRun, load, provenance_of
from ganfield.runs._page import Section, cards, escape, figures, folded, page, picture, table
from ganfield.runs._run_directory import read_config, read_protocols
from ganfield.runs._tables import Columns, Table
from ganfield.spectra import SpectralRadius

T = TypeVar("T")

_CURVES = {
    "Losses": ("loss_theta", "loss_phi"),
    "The field: ‖v_θ‖ and ‖v_φ‖": ("norm_v_theta", "norm_v_phi"),
    "‖Jᵀv‖": ("norm_grad_L",),
    "Shares that the discriminator has right": ("accuracy_real", "accuracy_fake", "saturated"),
    "Diversity: distance of fakes over that of real examples": ("diversity",),
}
_PICTURES = 9  # grids over time
_BYTES = 1_300_000  # of all pictures, before base64 makes four of three
_SCATTERED = 400  # points of each kind
_CHECKPOINTS = 4  # at which they are shown
_EVENTS = 300
_LONGEST = 400  # signs of a line of events.log


class Report(NamedTuple):
    """What `report` wrote.

    Attributes:
        output: the file.
        missing: what the run's folder does not have, or has damaged, in sentences.
    """

    output: Path
    missing: tuple[str, ...]


def report(
    run: SavedRun | str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    spectrum: SpectralRadius | None = None,
) -> Report:
    """Write a page that shows a run: one HTML file of under 3 MB that asks no network for anything.

    It has the curves of the metrics, samples over time, scores with their protocol, configuration,
    provenance, and what happened. Of points of the plane it draws, at up to four checkpoints, what
    the generator makes on top of the data. Nothing in the run's folder changes, and the run may
    still be going on. What is missing or damaged is said on the page.

    Args:
        run: its folder, or what `ganfield.runs.load` returned, which has the data where they were
            given to ``train`` as an object.
        output: the file, .html; its folder is made if need be.
        spectrum: of the method at a checkpoint, such as ``gf.spectral_radius(run.method, run.field,
            run.params, state=run.state, …)``, to be shown too: no run records one.

    Returns:
        A `Report`.

    Raises:
        ValueError: the folder is no run, or a newer version's; the file's name ends otherwise.

    Example:
        >>> import tempfile, ganfield as gf
        >>> folder = tempfile.mkdtemp()
        >>> config = gf.configuration.preset("digits/mlp").replace({"samples": 4})
        >>> _ = gf.training.train(config, folder, num_steps=1)
        >>> page = gf.runs.report(folder, f"{folder}/report.html")
        >>> page.missing, "loss theta" in page.output.read_text("utf-8")
        ((), True)
    """
    target = Path(output)
    if target.suffix.lower() not in (".html", ".htm") or target.is_dir():
        raise ValueError(f"output must be a file that ends in .html, got {str(output)!r}")
    folder = run.folder if isinstance(run, SavedRun) else Path(run)
    config = read_config(folder)
    missing: list[str] = []

    def ask(question: Callable[[], T]) -> T | None:
        """Return the answer; None, and say why, where something is damaged."""
        try:
            return question()
        except NewerRunError:
            raise
        except (ValueError, OSError) as error:
            missing.append(str(error))
            return None

    about = ask(lambda: provenance_of(folder))
    metrics = ask(lambda: Table(folder / "metrics.csv").arrays())
    scores = ask(lambda: Table(folder / "scores.csv").arrays())
    events = ask(lambda: _events(folder))
    for there, said in (
        (about, "where it comes from (run.json)"),
        (metrics, "rows of metrics (metrics.csv)"),
        (_grids(folder), "grids of samples (samples/)"),
        (_checkpoints(folder), "checkpoints (checkpoints/)"),
        (events, "what happened (events.log)"),
    ):
        if there is not None and not there:
            missing.append(f"not there, or not yet: {said}")
    sections = [
        Section("Curves", _curves(metrics or {})),
        Section("Scores", _scores(scores or {}, ask(lambda: read_protocols(folder)))),
        Section("Samples", _samples(folder, missing)),
        Section("Points", ask(lambda: figures(_points(run, folder, about, missing))) or ""),
        Section("Spectrum", "" if spectrum is None else _spectrum(spectrum)),
        Section("What happened", _happened(events or [])),
        Section("Configuration", _configuration(config)),
        Section("Provenance", table(flat(about)) if about else ""),
    ]
    said = f"<p>{escape(config.summary())}</p>" + cards(
        _facts(config, folder, metrics or {}, events or [])
    )
    if missing:
        lines = "".join(f"<li>{escape(each)}</li>" for each in missing)
        said += f'<ul class="notes">{lines}</ul>'
    # A title in a configuration may hold what UTF-8 does not.
    content = page(folder.resolve().name, said, sections).encode("utf-8", "replace")
    check_folder(target.parent, argument="the folder of output")
    write_file(target, content)
    return Report(target, tuple(missing))


def _facts(
    config: Config, folder: Path, metrics: Columns, events: list[tuple[str, str]]
) -> Iterator[tuple[str, object]]:
    steps = metrics.get("step", np.array([]))
    yield "step", f"{steps[-1] if steps.size else '–'} of {config.num_steps}"
    seconds = metrics.get("seconds", np.array([]))
    if seconds.size:
        yield "seconds of steps", _html.said(seconds[-1])
    yield "seed", config.seed
    kept = _checkpoints(folder)
    few = ", ".join(map(str, kept)) or "none"
    yield "checkpoints", few if len(kept) < 5 else f"{len(kept)}: {kept[0]} … {kept[-1]}"
    if events:
        yield "last event", events[-1][1]
        yield "when", events[-1][0]


def _curves(metrics: Columns) -> str:
    """Return figures of the metrics that are numbers, and the early signs of failure."""
    known = [name for names in _CURVES.values() for name in names]
    numbers = _numbers(metrics)
    others = {name: (name,) for name in numbers if name not in (*known, "step", "seconds")}
    shown = []
    for title, names in {**_CURVES, **others}.items():
        lines = {name: numbers[name] for name in names if name in numbers}
        if lines:
            is_norm = names[0].startswith("norm_")
            shown.append(curves(numbers["step"], lines, title=title, log=is_norm))
    return figures(shown) + (_signs(metrics) if numbers else "")


def _numbers(columns: Columns) -> Columns:
    return {name: values for name, values in columns.items() if values.dtype.kind in "if"}


def _signs(metrics: Columns) -> str:
    """Return a table of the early signs of failure."""
    told = [str(each).split() for each in metrics.get("warnings", ())]
    rows = []
    for sign in dict.fromkeys(word for words in told for word in words):
        at = metrics["step"][[sign in words for words in told]]
        rows.append((sign, f"{len(at)} of {len(told)} rows", f"steps {at[0]} to {at[-1]}"))
    return table(rows, ("early sign of failure", "how often", "when")) if rows else ""


def _scores(scores: Columns, protocols: Any) -> str:
    numbers = _numbers(scores)
    named = {name: values for name, values in numbers.items() if name not in ("step", "seconds")}
    if not named:
        return ""
    steps = numbers["step"]
    rows = [
        (name, *map(_html.said, (each[-1], np.nanmin(each), np.nanmax(each))))
        for name, each in named.items()
        if np.isfinite(each).any()
    ]
    parts = [
        figures(curves(steps, {name: each}, title=name) for name, each in named.items()),
        table(rows, ("score", f"at step {steps[-1]}", "lowest", "highest")),
    ]
    parts += ["<p>How they were taken:</p>" + table(flat(each)) for each in protocols or ()]
    if not protocols:
        parts.append("<p>How they were taken was not recorded.</p>")
    return "".join(parts)


def _samples(folder: Path, missing: list[str]) -> str:
    """Return real examples, and grids over time, evenly chosen, with the first and the last."""
    grids = _grids(folder)
    places = np.linspace(0, len(grids) - 1, min(len(grids), _PICTURES)).round().astype(int)
    shown = {f"step {_step(grids[place])}": grids[place] for place in places}
    real = folder / "samples" / "real.png"
    if real.exists():
        shown = {"real": real, **shown}
    pictures = []
    for caption, path in shown.items():
        try:
            pictures.append(picture(path, caption, most=_BYTES // (_PICTURES + 1)))
        except (OSError, ValueError, SyntaxError):  # Pillow has them all for a broken file.
            missing.append(f"{path} is no image that can be shown")
    some = f"{len(places)} of {len(grids)} grids" if len(grids) > len(places) else ""
    return f'<p class="soft">{some}</p>' * bool(some) + figures(pictures, "pictures")


def _points(
    run: SavedRun | str | os.PathLike[str],
    folder: Path,
    about: dict[str, Any] | None,
    missing: list[str],
) -> Iterator[str]:
    """Yield, for data that are points, what the generator makes on top of them."""
    kept = _checkpoints(folder)
    data = (about or {}).get("data")
    shape = data.get("shape") if isinstance(data, dict) else None
    if not kept or (isinstance(shape, list) and len(shape) > 1):
        return
    given = run._given if isinstance(run, SavedRun) else None
    places = np.linspace(0, len(kept) - 1, min(len(kept), _CHECKPOINTS)).round().astype(int)
    saved = []
    for place in places:
        saved.append(load(folder, kept[place], data=given))
        if len(saved[0]._built.shape) > 1:
            return
    real = None
    try:
        real = _plane(saved[0].data.sample(jax.random.key(0), _SCATTERED))
    except (ValueError, OSError) as error:
        missing.append(f"the data are not shown: {error}")
    made = {each.step: _plane(each.generate(_SCATTERED)) for each in saved}
    # All on one scale, that of the data where they are known.
    limit = None
    if real is None:
        everywhere = np.abs(np.concatenate([*made.values()]))
        limit = float(everywhere[np.isfinite(everywhere)].max(initial=1.0))
    for step, points in made.items():

        def draw(ax: Any, points: np.ndarray = points) -> None:
            from ganfield import plotting

            plotting.density(points, ax, real=real, limit=limit)

        key = ["made", "data"] if real is not None else ["made"]
        yield drawn(f"step {step}", draw, key=key, size=(3.0, 3.0), on_dark=False)


def _plane(points: Any) -> np.ndarray:
    """Return the first two dimensions, the second 0 where there is one."""
    array = np.asarray(points, float)
    return np.pad(array[:, :2], ((0, 0), (0, max(0, 2 - array.shape[1]))))


def _spectrum(spectrum: SpectralRadius) -> str:
    values = np.asarray(spectrum.eigenvalues, complex)

    def draw(ax: Any) -> None:
        from ganfield import plotting

        plotting.spectrum(values[np.isfinite(values)], ax, unit_circle=True)

    shown = drawn("Eigenvalues of F′ and the unit circle", draw, size=(3.0, 3.0))
    facts = {**spectrum._asdict()}
    del facts["eigenvalues"]
    rows = [(name.replace("_", " "), _html.said(value)) for name, value in facts.items()]
    return figures([shown, table(rows)])


def _events(folder: Path) -> list[tuple[str, str]]:
    """Return the times and messages of events.log."""
    path = folder / "events.log"
    lines = path.read_text("utf-8", "replace").splitlines() if path.exists() else []
    pairs = (line.partition(" ") for line in lines if line.strip())
    return [(time.replace("T", " "), message[:_LONGEST]) for time, _, message in pairs]


def _happened(events: list[tuple[str, str]]) -> str:
    left_out = len(events) - _EVENTS
    before = f'<p class="soft">{left_out} earlier ones are left out</p>' if left_out > 0 else ""
    return before + table(events[-_EVENTS:], ("when", "what")) if events else ""


def _configuration(config: Config) -> str:
    """Return what is not as it is by default, and all of it."""
    here = Config().differences(config)
    rows = [(name, new, old) for name, (old, new) in here.items()]
    told = table(rows, ("setting", "value", "default"))
    return told + folded("all settings", table(flat(config)))


def _grids(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "samples").glob("step_*.png") if _step(path) >= 0)


def _step(path: Path) -> int:
    number = path.stem.removeprefix("step_")
    return int(number) if number.isdecimal() else -1


def _checkpoints(folder: Path) -> list[int]:
    """Return the steps of the checkpoints, without opening them."""
    there = folder / "checkpoints"
    names = [path.name for path in there.iterdir()] if there.is_dir() else []
    return sorted(int(name) for name in names if name.isdecimal())
