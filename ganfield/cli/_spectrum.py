"""``ganfield spectrum``: eigenvalues of a field's Jacobian at a point, or of a run's."""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from tyro.conf import Positional

import ganfield as gf
from ganfield.cli import _run_spectrum as of_run
from ganfield.cli._choose import Chosen, choose
from ganfield.cli._help import options, shown
from ganfield.cli._options import (
    Count,
    Dark,
    Dynamics,
    File,
    Given,
    Json,
    Name,
    Point,
    parse_point,
)
from ganfield.cli._show import (
    at,
    classification_record,
    complex_number,
    number,
    point_record,
    show,
    table,
    tell,
    yes_no,
)


class Spectra(NamedTuple):
    """What a point is for v, and for w where there is one, by these names."""

    chosen: Chosen
    point: gf.Players
    classes: dict[str, gf.dynamics.Classification]


@options
class Spectrum(Dynamics):
    """Show the eigenvalues of a field's Jacobian at a point, and what they allow.

    Real parts say whether an equilibrium attracts (all of them negative), imaginary parts how fast
    the field turns round it. Together they bound the step size h of simultaneous steps
    (x ← x + h·v): abs(1 + hλ) < 1 must hold for every eigenvalue λ. With a transform both v and w
    are shown.

    Of a run of training the leading eigenvalues are found by products alone, at a checkpoint and on
    one minibatch: of v, of what its transform makes of it, and of the step itself, with what its
    optimizer remembered then.

    Try:
      ganfield spectrum --game dirac_gan
      ganfield spectrum --game dirac_gan --transform consensus --gamma 0.6 --output spectrum.png
      ganfield spectrum run --step 2000
    """

    folder: Annotated[Positional[Path | None], shown("RUN")] = None
    """The folder of a run, in the place of --game."""
    game: Name[str] = ""
    """What is played: {games}, which `ganfield list games` explains; or a game of your own,
    FILE.py:FUNCTION, a function of a Python file that returns one. (default: that of the run)"""
    step: Given[int] = None
    """The checkpoint of the run. (default: the last)"""
    num: Count[int | None] = None
    """How many eigenvalues of each kind, of a run. (default: 3)"""
    at: Point[str | None] = None
    """The point, such as 0,0 or -1,0.5. (default: the game's first known equilibrium)"""
    step_size: Given[float] = None
    """h > 0: say whether such steps converge, and draw the circle abs(1 + hλ) = 1.
    (default: none)"""
    output: File[Path | None] = None
    """Write the figure to this .png, .pdf or .svg file; its folder is made if need be.
    (default: no figure)"""
    dark: Dark = False
    json: Json = False

    def run(self) -> int:
        """Print a table of v and w, and draw their eigenvalues if a figure is asked for."""
        if self.output is not None:
            gf.plot.check_path(self.output, argument="--output")
        if self.folder is not None:
            return self._run_of(self.folder)
        self._check_game()
        spectra = self.find()
        if self.output is not None:
            self._draw(spectra, self.output)
        tell(self, spectra)
        return 0

    def find(self) -> Spectra:
        """Return the spectra that the options ask for."""
        if self.step_size is not None:
            gf.checks.check_positive(self.step_size, argument="--step-size")
        chosen = choose(self)
        point = self._point(chosen)
        v, game = gf.vector_field(chosen.game), chosen.game
        classes = {"v": gf.classify(v, point, game=game)}
        if chosen.original is not None:
            classes["w"] = gf.classify(chosen.field, point, original=v, game=game)
        return Spectra(chosen, point, classes)

    def record(self, spectra: Spectra) -> dict[str, Any]:
        """Return spectra for JSON."""
        return {
            **spectra.chosen.record,
            "at": point_record(spectra.point),
            **{
                name: classification_record(each) | {"step_factor": self._factor(each)}
                for name, each in spectra.classes.items()
            },
            "step_size": self.step_size,
            "output": self.output,
        }

    def say(self, spectra: Spectra) -> None:
        """Print spectra as a table."""
        print(f"{spectra.chosen.title}\nat (θ, φ) = {at(spectra.point)}")
        heads = ["field", "kind", "eigenvalues", "h_max", "rotation"]
        rows = table(*heads, *([] if self.step_size is None else ["|1 + hλ|"]))
        for name, each in spectra.classes.items():
            factor = self._factor(each)
            rows.add_row(
                name,
                each.kind,
                "\n".join(complex_number(value) for value in each.eigenvalues),
                number(each.max_step_size),
                number(each.rotation),
                *([] if factor is None else [number(factor)]),
            )
        show(rows)
        for name, each in spectra.classes.items():
            print(f"{name}: {each.reason}")
        last = list(spectra.classes.values())[-1]
        asked = {
            "local Nash equilibrium": last.local_nash,
            "local minimax point": last.local_minimax,
            "spurious": last.spurious,
        }
        print("; ".join(f"{name}: {yes_no(value)}" for name, value in asked.items()))
        print(
            "h_max: simultaneous steps converge below it (0: none do). rotation: 0 to 1. "
            "–: cannot be\ntold from first derivatives of the field, or does not apply."
        )
        if self.output is not None:
            print(f"wrote {self.output}")

    def _run_of(self, folder: Path) -> int:
        """Print the leading eigenvalues of a run, and draw them."""
        for name in ("game", "objective", "settings", "gamma", "at", "step_size"):
            if getattr(self, name) not in (None, "", ()):
                option = "--set" if name == "settings" else f"--{name.replace('_', '-')}"
                raise ValueError(f"{option} is for a game, and a run has its own: leave it out")
        if self.transform != "identity":
            raise ValueError("--transform is for a game, and a run has its own: leave it out")
        spectrum = of_run.find(folder, self.step, 3 if self.num is None else self.num)
        if self.output is not None:
            of_run.draw(spectrum, self.output, dark=self.dark)
        if self.json:
            print(gf.reporting.to_json(of_run.record(spectrum, self.output)))
        else:
            of_run.say(spectrum, self.output)
        return 0

    def _check_game(self) -> None:
        if not self.game:
            raise ValueError("--game NAME, or the folder of a run, must be given")
        for name in ("step", "num"):
            if getattr(self, name) is not None:
                raise ValueError(f"--{name} is for the folder of a run, got it with --game")

    def _point(self, chosen: Chosen) -> gf.Players:
        if self.at is not None:
            return parse_point(self.at, argument="--at")
        if not chosen.game.equilibria:
            raise ValueError(f"--at must be given: {chosen.title} has no known equilibrium")
        return chosen.game.equilibria[0]

    def _factor(self, point: gf.dynamics.Classification) -> float | None:
        """Return the largest abs(1 + hλ); None without h."""
        h = self.step_size
        return None if h is None else float(np.abs(1 + h * point.eigenvalues).max())

    def _draw(self, spectra: Spectra, output: Path) -> None:
        values = np.concatenate([each.eigenvalues for each in spectra.classes.values()])
        reach = 1.4 * (float(np.abs(values).max()) or 1.0)
        h = self.step_size
        with gf.plot.style(dark=self.dark):
            figure = gf.plot.figure(3.6, 3.8)
            ax = figure.subplots()
            for index, (name, each) in enumerate(spectra.classes.items()):
                points = gf.plot.spectrum(
                    each.eigenvalues,
                    ax,
                    box=(-reach, reach, -reach, reach),
                    step_size=h if index == 0 else None,
                    color=f"C{index}",
                    label=f"{name}′",
                )
                points.set(sizes=[30], alpha=1)
                if index == 0:  # Rings, which dots can lie in.
                    points.set(facecolors="none", edgecolors="C0", sizes=[60], linewidths=1.5)
            ax.set_aspect("equal")
            circle = "" if h is None else f"; |1 + hλ| < 1 shaded, h = {h:g}"
            title = f"{spectra.chosen.title}\nat {at(spectra.point)}{circle}"
            ax.set_title(title, loc="left", wrap=True)
            figure.legend(loc="outside lower center", ncols=2)
            gf.plot.save(figure, output)
