"""``ganfield field``: a field in the plane, and where a method leads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np
import optax
from tyro.conf import arg

import ganfield as gf
from ganfield.cli._choose import Chosen, choose
from ganfield.cli._options import (
    Bounds,
    Dark,
    Dynamics,
    Json,
    Texts,
    check_positive,
    known,
    parse_bounds,
    parse_point,
)
from ganfield.cli._show import at, classification_record, point_record, working, zeros

OPTIMIZERS = {"sgd": optax.sgd, "adam": optax.adam, "rmsprop": optax.rmsprop}
_MAX_POINTS = 50  # markers; a continuum of equilibria has no end


@dataclass(frozen=True, kw_only=True)
class Field(Dynamics):
    """Draw a field, the path that a method takes from each start, and the equilibria.

    Every step of size h moves the players along the field, x ← x + h·v(x) for the simultaneous
    method with sgd. Where they go from there is what training does; compare methods and transforms
    on one start.

    Try:
      ganfield field --game dirac_gan --method alternating
      ganfield field --game dirac_gan --transform consensus --gamma 0.6 --start 1,1 -1,0.5
    """

    method: Annotated[
        str,
        arg(metavar="NAME", help=f"How the players move: {known(gf.METHODS)}."),
    ] = "simultaneous"
    optimizer: Annotated[
        str,
        arg(metavar="NAME", help=f"What makes a step of the field's value: {known(OPTIMIZERS)}."),
    ] = "sgd"
    step_size: Annotated[
        float, arg(metavar="FLOAT", help="h > 0, the optimizer's learning rate.")
    ] = 0.1
    num_steps: Annotated[
        int, arg(metavar="COUNT", help="Steps from each start; 0 draws no paths.")
    ] = 200
    start: Annotated[
        Texts,
        arg(
            metavar="THETA,PHI",
            help="Where paths start, within the bounds; one or several, such as 1,1 -1,0.5.",
            help_behavior_hint="(default: half-way from the middle to the upper right, 1,1)",
        ),
    ] = ()
    bounds: Bounds = "-2,2"
    kind: Annotated[
        str, arg(metavar="NAME", help="How the field is drawn: stream (lines) or quiver (arrows).")
    ] = "stream"
    equilibria: Annotated[
        bool, arg(help="Find the equilibria and mark them, a shape for each kind.")
    ] = True
    output: Annotated[
        Path,
        arg(
            metavar="FILE",
            help="The figure, a .png, .pdf or .svg file; its folder is made if need be.",
        ),
    ] = Path("field.png")
    dark: Dark = False
    json: Json = False

    def run(self) -> int:
        """Draw the figure, and print where the paths end."""
        bounds = parse_bounds(self.bounds)
        middle = gf.Players(*(low / 4 + 3 * high / 4 for low, high in bounds))
        texts = [text for group in self.start for text in group]
        starts = [parse_point(text, argument="--start") for text in texts] or [middle]
        for (theta, phi), text in zip(starts, texts or [""], strict=True):
            low, high = zip(*bounds, strict=True)
            if not (low[0] <= theta <= high[0] and low[1] <= phi <= high[1]):
                raise ValueError(
                    f"--start must be within the bounds, θ in {list(bounds.theta)} and φ in "
                    f"{list(bounds.phi)}, got {text!r}"
                )
        check_positive(self.step_size, argument="--step-size")
        gf.checks.lookup({"stream": 0, "quiver": 1}, self.kind, argument="kind")
        gf.checks.check_count(self.num_steps, argument="--num-steps", minimum=0)
        build = gf.checks.lookup(gf.METHODS, self.method, argument="method")
        optimizer = gf.checks.lookup(OPTIMIZERS, self.optimizer, argument="optimizer")
        chosen = choose(self)
        output = gf.plot.check_path(self.output, argument="--output")

        label = f"{self.method}, {self.optimizer}, h = {self.step_size:g}, {self.num_steps} steps"
        classes: list[gf.analysis.Classification] = []
        paths, num_found = None, None
        with working("Drawing"):
            if self.num_steps:
                paths = gf.trajectories(
                    build(optimizer(self.step_size)),
                    chosen.field,
                    gf.Players(*jnp.array(starts).T),
                    num_steps=self.num_steps,
                )
            if self.equilibria:
                found, _, classes = zeros(
                    chosen, bounds, num_starts=1024, seed=0, max_points=_MAX_POINTS
                )
                num_found = len(found.points)
            self._draw(chosen, bounds, paths, label, classes, output)

        ends = [] if paths is None else _ends(paths)
        if self.json:
            record = {
                **chosen.record,
                "bounds": bounds._asdict(),
                "method": self.method,
                "optimizer": self.optimizer,
                "step_size": self.step_size,
                "num_steps": self.num_steps,
                "paths": ends,
                "num_equilibria": num_found,
                "equilibria": [classification_record(each) for each in classes],
                "output": output,
            }
            print(gf.reporting.to_json(record))
            return 0
        print(chosen.title)
        if ends:
            print(label)
        for path in ends:
            stopped = path["stopped_at"]
            start, end = (at(gf.Players(**path[name])) for name in ("start", "end"))
            after = "" if stopped is None else f", then not finite: stopped at step {stopped}"
            print(f"  {start} → {end}{after}")
        if num_found is not None:
            kinds = [each.kind for each in classes]
            counts = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)]
            spurious = sum(bool(each.spurious) for each in classes)
            counts += [f"{spurious} of them spurious"] if spurious else []
            cut = f"; the {len(classes)} most hit are marked" if num_found > len(classes) else ""
            said = f" ({', '.join(counts)})" if counts else ""
            print(f"equilibria of {chosen.symbol}: {num_found}{said}{cut}")
        print(f"wrote {output}")
        return 0

    def _draw(
        self,
        chosen: Chosen,
        bounds: gf.Players,
        paths: gf.Players | None,
        label: str,
        classes: list[gf.analysis.Classification],
        output: Path,
    ) -> None:
        with gf.plot.style(dark=self.dark):
            width, height = _size(bounds)
            figure = gf.plot.figure(width, height)
            ax = figure.subplots()
            drawn: Any = gf.plot.field(chosen.field, ax, bounds=bounds, kind=self.kind)
            if paths is not None:
                gf.plot.trajectory(paths, ax, label=label, bounds=bounds, color="C1")
            gf.plot.equilibria(classes, ax)
            figure.colorbar(
                getattr(drawn, "lines", drawn), ax=ax, label=f"‖{chosen.symbol}‖", shrink=0.8
            )
            ax.set_title(chosen.title, loc="left", wrap=True)
            if ax.get_legend_handles_labels()[1]:
                figure.legend(loc="outside lower center", ncols=2 if width > 4 else 1)
            gf.plot.save(figure, output)


def _size(bounds: gf.Players) -> tuple[float, float]:
    """Return the size in inches of a figure that the bounds fill on one scale."""
    shape = (bounds.theta[1] - bounds.theta[0]) / (bounds.phi[1] - bounds.phi[0])
    if max(shape, 1 / shape) > 4:  # Where `gf.plot.field` gives up one scale.
        shape = 1.0
    return max(3.1, 1.4 + 3.2 * min(1.0, shape)), 1.2 + 3.2 * min(1.0, 1 / shape)


def _ends(paths: gf.Players) -> list[dict[str, Any]]:
    """Return start, last finite point, and the first step that was not finite, of each path."""
    both = np.stack(paths, axis=-1).swapaxes(0, 1)
    ends = []
    for path in both:
        finite = np.isfinite(path).all(axis=1)
        alive = len(path) if finite.all() else int(finite.argmin())
        ends.append(
            {
                "start": point_record(gf.Players(*path[0])),
                "end": point_record(gf.Players(*path[alive - 1])),
                "stopped_at": None if alive == len(path) else alive,
            }
        )
    return ends
