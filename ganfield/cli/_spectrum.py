"""``ganfield spectrum``: eigenvalues of a field's Jacobian at a point."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from tyro.conf import arg

import ganfield as gf
from ganfield.cli._choose import Chosen, choose
from ganfield.cli._options import Dark, Dynamics, Json, Output, check_positive, parse_point
from ganfield.cli._show import (
    at,
    classification_record,
    complex_number,
    number,
    point_record,
    show,
    table,
    yes_no,
)


@dataclass(frozen=True, kw_only=True)
class Spectrum(Dynamics):
    """Show the eigenvalues of a field's Jacobian at a point, and what they allow.

    Real parts say whether an equilibrium attracts (all of them negative), imaginary parts how fast
    the field turns round it. Together they bound the step size h of simultaneous steps
    (x ← x + h·v): abs(1 + hλ) < 1 must hold for every eigenvalue λ. With a transform both v and w
    are shown.

    Try:
      ganfield spectrum --game dirac_gan
      ganfield spectrum --game dirac_gan --transform consensus --gamma 0.6 --output spectrum.png
    """

    at: Annotated[
        str | None,
        arg(
            metavar="THETA,PHI",
            help="The point, such as 0,0 or -1,0.5.",
            help_behavior_hint="(default: the game's first known equilibrium)",
        ),
    ] = None
    step_size: Annotated[
        float | None,
        arg(
            metavar="FLOAT",
            help="h > 0: say whether such steps converge, and draw the circle abs(1 + hλ) = 1.",
            help_behavior_hint="(default: none)",
        ),
    ] = None
    output: Output = None
    dark: Dark = False
    json: Json = False

    def run(self) -> int:
        """Print a table of v and w, and draw their eigenvalues if a figure is asked for."""
        check_positive(self.step_size, argument="--step-size")
        chosen = choose(self)
        point = self._point(chosen)
        output = None
        if self.output is not None:
            output = gf.plot.check_path(self.output, argument="--output")
        fields = {"v": gf.classify(chosen.game, point)}
        if chosen.original is not None:
            fields["w"] = gf.classify(chosen.field, point, original=chosen.game)
        factors = {
            name: None
            if self.step_size is None
            else float(np.abs(1 + self.step_size * found.eigenvalues).max())
            for name, found in fields.items()
        }
        if output is not None:
            self._draw(fields, chosen, point, output)

        if self.json:
            record: dict[str, Any] = {**chosen.record, "at": point_record(point)}
            for name, found in fields.items():
                record[name] = classification_record(found) | {"step_factor": factors[name]}
            record |= {"step_size": self.step_size, "output": output}
            print(gf.reporting.to_json(record))
            return 0
        print(f"{chosen.title}\nat (θ, φ) = {at(point)}")
        heads = ["field", "kind", "eigenvalues", "h_max", "rotation"]
        shown = table(*heads, *([] if self.step_size is None else ["|1 + hλ|"]))
        for name, found in fields.items():
            factor = factors[name]
            shown.add_row(
                name,
                found.kind,
                "\n".join(complex_number(value) for value in found.eigenvalues),
                number(found.max_step_size),
                number(found.rotation),
                *([] if factor is None else [number(factor)]),
            )
        show(shown)
        for name, found in fields.items():
            print(f"{name}: {found.reason}")
        last = list(fields.values())[-1]
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
        if output is not None:
            print(f"wrote {output}")
        return 0

    def _point(self, chosen: Chosen) -> gf.Players:
        if self.at is not None:
            return parse_point(self.at, argument="--at")
        if not chosen.game.equilibria:
            raise ValueError(f"--at must be given: {chosen.title} has no known equilibrium")
        return chosen.game.equilibria[0]

    def _draw(
        self,
        fields: dict[str, gf.analysis.Classification],
        chosen: Chosen,
        point: gf.Players,
        output: Any,
    ) -> None:
        values = np.concatenate([found.eigenvalues for found in fields.values()])
        reach = 1.4 * (float(np.abs(values).max()) or 1.0)
        with gf.plot.style(dark=self.dark):
            figure = gf.plot.figure(3.6, 3.8)
            ax = figure.subplots()
            for index, (name, found) in enumerate(fields.items()):
                points = gf.plot.spectrum(
                    found.eigenvalues,
                    ax,
                    box=(-reach, reach, -reach, reach),
                    step_size=self.step_size if index == 0 else None,
                    color=f"C{index}",
                    label=f"{name}′",
                )
                points.set(sizes=[30], alpha=1)
                if index == 0:  # Rings, which dots can lie in.
                    points.set(facecolors="none", edgecolors="C0", sizes=[60], linewidths=1.5)
            ax.set_aspect("equal")
            circle = (
                "" if self.step_size is None else f"; |1 + hλ| < 1 shaded, h = {self.step_size:g}"
            )
            ax.set_title(f"{chosen.title}\nat {at(point)}{circle}", loc="left", wrap=True)
            figure.legend(loc="outside lower center", ncols=2)
            gf.plot.save(figure, output)
