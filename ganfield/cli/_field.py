"""``ganfield field``: a field in the plane, and where a method leads."""

from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

import ganfield as gf
from ganfield.cli._choose import Chosen, choose
from ganfield.cli._help import options
from ganfield.cli._options import (
    Bounds,
    Count,
    Dark,
    Dynamics,
    File,
    Given,
    Json,
    Name,
    Point,
    Texts,
    parse_bounds,
    parse_starts,
)
from ganfield.cli._show import (
    Zeros,
    at,
    classification_record,
    find_zeros,
    point_record,
    tell,
    working,
)
from ganfield.cli._words import OF_THE_PLANE, in_words
from ganfield.simulate import paths as run_paths

_MAX_POINTS = 50  # markers; a continuum of equilibria has no end


class Plane(NamedTuple):
    """A field in the plane, the paths and the zeros; None where these were not asked for.

    ``thinned`` is what the legend says of the points that the figure leaves out.
    """

    chosen: Chosen
    bounds: gf.Players
    paths: gf.Run | None
    zeros: Zeros | None
    thinned: str = ""


@options
class Field(Dynamics):
    """Draw a field, the path that a method takes from each start, and the equilibria.

    Every step of size h moves the players along the field, x ← x + h·v(x) for the simultaneous
    method with sgd. Where they go from there is what training does; compare methods and transforms
    on one start.

    Try:
      ganfield field --game dirac_gan --method alternating
      ganfield field --game dirac_gan --transform consensus --gamma 0.6 --start 1,1 -1,0.5
    """

    method: Name[str] = "simultaneous"
    """How the players move: {methods}."""
    optimizer: Name[str] = "sgd"
    """What makes a step of the field's value: {optimizers}."""
    wrapper: Name[str | None] = None
    """What is made of the method: {wrappers}. (default: nothing)"""
    step_size: float = 0.1
    """h > 0, the optimizer's learning rate."""
    num_steps: Count[int] = 200
    """Steps from each start; 0 draws no paths."""
    start: Point[Texts] = ()
    """Where paths start, within the bounds; one or several, such as 1,1 -1,0.5.
    (default: half-way from the middle to the upper right, 1,1)"""
    max_points: Given[int] = None
    """Draw no more points of a path. (default: all that can be told apart, of a path of more than
    5000; the legend says how many)"""
    bounds: Bounds = "-2,2"
    kind: Name[str] = "stream"
    """How the field is drawn: stream (lines) or quiver (arrows)."""
    equilibria: bool = True
    """Find the equilibria and mark them, a shape for each kind."""
    output: File[Path] = Path("field.png")
    """The figure, a .png, .pdf or .svg file; its folder is made if need be."""
    dark: Dark = False
    json: Json = False

    def run(self) -> int:
        """Draw the figure, and print where the paths end."""
        with working("Drawing"):
            plane = self.find()
            plane = plane._replace(thinned=self._draw(plane))
        tell(self, plane)
        return 0

    def find(self) -> Plane:
        """Return the paths and the equilibria that the options ask for."""
        bounds = parse_bounds(self.bounds)
        starts = self._starts(bounds)
        gf.checks.check_positive(self.step_size, argument="--step-size")
        gf.checks.lookup({"stream": 0, "quiver": 1}, self.kind, argument="kind")
        gf.checks.check_count(self.num_steps, argument="--num-steps", minimum=0)
        if self.max_points is not None:
            gf.checks.check_count(self.max_points, argument="--max-points", minimum=2)
        with in_words(OF_THE_PLANE):
            method = gf.configuration.make_method(
                gf.configuration.MethodConfig(
                    name=self.method,
                    optimizer=self.optimizer,
                    learning_rate=self.step_size,
                    wrapper=self.wrapper,
                )
            )
        chosen = choose(self)
        gf.plot.check_path(self.output, argument="--output")
        paths, zeros = None, None
        if self.num_steps:
            at = gf.Players(*jnp.array(starts).T)
            paths = run_paths(method, chosen.field, at, num_steps=self.num_steps)
        if self.equilibria:
            zeros = find_zeros(chosen, bounds, num_starts=1024, seed=0, max_points=_MAX_POINTS)
        return Plane(chosen, bounds, paths, zeros)

    def record(self, plane: Plane) -> dict[str, Any]:
        """Return what there is in the plane for JSON."""
        zeros = plane.zeros
        return {
            **plane.chosen.record,
            "bounds": plane.bounds._asdict(),
            "method": self.method,
            "optimizer": self.optimizer,
            "wrapper": self.wrapper,
            "step_size": self.step_size,
            "num_steps": self.num_steps,
            "paths": _ends(plane.paths),
            "thinned": plane.thinned or None,
            "num_equilibria": None if zeros is None else len(zeros.equilibria.points),
            "equilibria": [classification_record(each) for each in zeros.classes] if zeros else [],
            "output": self.output,
        }

    def say(self, plane: Plane) -> None:
        """Print where the paths end, and how many equilibria there are of each kind."""
        print(plane.chosen.title)
        if plane.paths is not None:
            print(self._label())
        for path in _ends(plane.paths):
            stopped, unsolved = path["stopped_at"], path["unsolved_at"]
            start, end = (at(gf.Players(**path[name])) for name in ("start", "end"))
            after = "" if stopped is None else f", then not finite: stopped at step {stopped}"
            if unsolved is not None:
                after += f", no {self.method} from step {unsolved} on: its inner solve failed"
            print(f"  {start} → {end}{after}")
        if plane.thinned:
            print(f"drawn: {plane.thinned} (--max-points changes it)")
        if plane.zeros is not None:
            classes, count = plane.zeros.classes, len(plane.zeros.equilibria.points)
            kinds = [each.kind for each in classes]
            counts = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)]
            spurious = sum(bool(each.spurious) for each in classes)
            counts += [f"{spurious} of them spurious"] if spurious else []
            said = f" ({', '.join(counts)})" if counts else ""
            cut = (
                f"; {len(classes)} of {count} are marked, the most hit"
                if count > len(classes)
                else ""
            )
            print(f"equilibria of {plane.chosen.symbol}: {count}{said}{cut}")
        print(f"wrote {self.output}")

    def _starts(self, bounds: gf.Players) -> list[gf.Players]:
        middle = gf.Players(*(low / 4 + 3 * high / 4 for low, high in bounds))
        return parse_starts(self.start, bounds) or [middle]

    def _label(self) -> str:
        method = f"{self.wrapper} {self.method}" if self.wrapper else self.method
        return f"{method}, {self.optimizer}, h = {self.step_size:g}, {self.num_steps} steps"

    def _draw(self, plane: Plane) -> str:
        """Draw the figure, and return what its legend says of points that are left out."""
        chosen, bounds = plane.chosen, plane.bounds
        thinned = ""
        with gf.plot.style(dark=self.dark):
            width, height = _size(bounds)
            figure = gf.plot.figure(width, height)
            ax = figure.subplots()
            drawn: Any = gf.plot.field(chosen.field, ax, bounds=bounds, kind=self.kind)
            if plane.paths is not None:
                lines = gf.plot.trajectory(
                    plane.paths,
                    ax,
                    label=self._label(),
                    bounds=bounds,
                    color="C1",
                    max_points=self.max_points,
                )
                *_, said = str(lines[0].get_label()).splitlines()
                thinned = said if said.endswith(" points") else ""
            if plane.zeros is not None:
                gf.plot.equilibria(plane.zeros.classes, ax)
            figure.colorbar(
                getattr(drawn, "lines", drawn), ax=ax, label=f"‖{chosen.symbol}‖", shrink=0.8
            )
            ax.set_title(chosen.title, loc="left", wrap=True)
            if ax.get_legend_handles_labels()[1]:
                figure.legend(loc="outside lower center", ncols=2 if width > 4 else 1)
            gf.plot.save(figure, self.output)
        return thinned


def _size(bounds: gf.Players) -> tuple[float, float]:
    """Return the size in inches of a figure that the bounds fill on one scale."""
    shape = (bounds.theta[1] - bounds.theta[0]) / (bounds.phi[1] - bounds.phi[0])
    if max(shape, 1 / shape) > 4:  # Where `gf.plot.field` gives up one scale.
        shape = 1.0
    return max(3.1, 1.4 + 3.2 * min(1.0, shape)), 1.2 + 3.2 * min(1.0, 1 / shape)


def _ends(run: gf.Run | None) -> list[dict[str, Any]]:
    """Return start and last finite point of each path, and the steps at which something failed."""
    if run is None:
        return []
    stopped, unsolved = (np.asarray(at).tolist() for at in (run.stopped_at, run.unsolved_at))
    points = np.stack(run.records, axis=-1).swapaxes(0, 1)
    return [
        {
            "start": point_record(gf.Players(*path[0])),
            "end": point_record(gf.Players(*path[at - 1 if at >= 0 else -1])),
            "stopped_at": at if at >= 0 else None,
            "unsolved_at": failed if failed >= 0 else None,
        }
        for path, at, failed in zip(points, stopped, unsolved, strict=True)
    ]
