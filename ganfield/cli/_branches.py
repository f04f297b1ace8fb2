"""``ganfield branches``: equilibria followed as a knob turns."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
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
    numbers_in,
    parse_bounds,
    parse_starts,
)
from ganfield.cli._show import at, complex_number, number, point_record, show, table, tell, working
from ganfield.cli._words import OF_THE_PLANE, in_words

_STEP_SIZE = "step_size"
_ENDS = 256  # starts of the search for equilibria at each end of the bounds


class Diagram(NamedTuple):
    """Branches, and what they are of: in words, and for JSON."""

    title: str
    record: dict[str, Any]
    box: gf.Players
    found: gf.dynamics.Branches


@options
class Branches(Dynamics):
    """Follow a field's equilibria as a knob turns, and say where something happens.

    The knob is γ, or a parameter of the game or of the transform; with --method it may be the step
    size, and fixed points of the method's step are followed. Branches start from the equilibria at
    both ends of the bounds and go on where others cross. Events: folds, pitchforks, transcritical
    points, Hopf points; of a step flips and Neimark–Sacker points.

    Exit code 1 says that there is no equilibrium to start from.

    Try:
      ganfield branches --game lattice --transform consensus --knob gamma --bounds 0,3
      ganfield branches --game quadratic --knob step_size --method simultaneous --bounds 0,2
    """

    knob: Name[str] = "gamma"
    """What is turned: gamma, step_size, or a parameter of the game or the transform."""
    bounds: Bounds = "0,1"
    """From where to where the knob is turned, LOW,HIGH."""
    box: Bounds = "-4.2,4.2"
    """The part of the plane in which equilibria are followed."""
    start: Point[Texts] = ()
    """Equilibria at the lower bound to start from, such as 0,0, in place of a search."""
    method: Name[str | None] = None
    """Follow fixed points of this method's step: {methods}. (default: the field's equilibria)"""
    optimizer: Name[str] = "sgd"
    """With --method, what makes a step of the field's value: {optimizers}."""
    step_size: Given[float] = None
    """With --method, h > 0 where it is not the knob. (default: 0.1)"""
    ordinate: Count[int] = 0
    """What the figure shows over the knob: 0 is θ, 1 is φ."""
    output: File[Path | None] = None
    """Write the diagram to this .png, .pdf or .svg file; its folder is made if need be.
    (default: no figure)"""
    dark: Dark = False
    json: Json = False

    def run(self) -> int:
        """Print a table of events, and draw the diagram if one is asked for."""
        with working("Following branches"):
            diagram = self.find()
        if diagram is None:
            print("None: no equilibrium at either bound within the box; widen it (--box).")
            return 1
        if self.output is not None:
            self._draw(diagram, self.output)
        tell(self, diagram)
        return 0

    def find(self) -> Diagram | None:
        """Return the branches that the options ask for; None where none starts."""
        ends = numbers_in(self.bounds)
        if len(ends) != 2 or not ends[0] < ends[1]:
            raise ValueError(f"--bounds must be LOW,HIGH, LOW before HIGH, got {self.bounds!r}")
        box = parse_bounds(self.box)
        gf.checks.check_count(self.ordinate, argument="--ordinate", minimum=0, maximum=1)
        if self.output is not None:
            gf.plot.check_path(self.output, argument="--output")
        starts = parse_starts(self.start, box)
        chosen = choose(self)
        field, original = self._fields(chosen)
        build = self._build(field)
        # A step may have no length at the lower bound, and the field no knob.
        value = ends[0] if self.method is None else ends[0] + 0.382 * (ends[1] - ends[0])
        if not starts:
            known = [p for p in chosen.game.equilibria if np.shape(p.theta) == ()]
            starts = list(self._zeros(field, value, box, known))
        search = [] if self.start or self.knob == _STEP_SIZE else [ends[1]]
        if not starts:
            return None
        found = gf.branches(
            build,
            starts,
            (ends[0], ends[1]),
            value=value,
            original=original,
            box=box,
            switch=True,
            search=search,
        )
        symbol = "γ" if self.knob == "gamma" else self.knob
        title = re.sub(rf"\b{symbol} = [^,\s]+", symbol, chosen.title)
        record = {
            part: {name: value for name, value in of.items() if name != self.knob}
            for part, of in chosen.record.items()
        }
        return Diagram(title, record, box, found._replace(knob=self.knob))

    def record(self, diagram: Diagram) -> dict[str, Any]:
        """Return branches and events for JSON."""
        found = diagram.found
        return {
            **diagram.record,
            "knob": self.knob,
            "bounds": found.bounds,
            "box": diagram.box._asdict(),
            "method": self.method,
            "branches": [
                {
                    "value": branch.values,
                    **branch.params._asdict(),
                    "kind": branch.kinds.tolist(),
                    "spurious": branch.spurious,
                    "ends": branch.ends,
                    "dimension": branch.dimension,
                }
                for branch in found.branches
            ],
            "events": [
                {
                    "kind": event.kind,
                    "value": event.value,
                    **point_record(event.params),
                    "eigenvalue": event.eigenvalue,
                    "crossing": event.crossing,
                    "angle": event.angle,
                    "resonance": event.resonance or None,
                    "after": event.normal_form and event.normal_form._asdict(),
                }
                for event in found.events
            ],
            "output": self.output,
        }

    def say(self, diagram: Diagram) -> None:
        """Print the events as a table."""
        found = diagram.found
        low, high = found.bounds
        print(f"{diagram.title}\n{len(found.branches)} branches, {self.knob} ", end="")
        print(f"from {low:g} to {high:g}")
        if found.events:
            rows = table(
                "event", self.knob, "(θ, φ)", "eigenvalue", "resonance", "what comes after"
            )
            for event in found.events:
                after = event.normal_form
                rows.add_row(
                    event.kind,
                    number(event.value, 10),
                    at(event.params),
                    complex_number(event.eigenvalue),
                    event.resonance.replace(":", " : "),
                    "" if after is None else f"{after.kind}: {after.reason}",
                )
            show(rows)
        else:
            print("No event within the bounds.")
        if self.output is not None:
            print(f"wrote {self.output}")

    def _fields(self, chosen: Chosen) -> tuple[Callable[[Any], Any], Callable[[Any], Any] | None]:
        """Return knob → field, and knob → v where the field is made of it."""
        transform = gf.TRANSFORMS[self.transform]
        given = {k: value for k, value in chosen.record["transform"].items() if k != "name"}
        of_game = gf.configuration.keywords(chosen.build, skip=0)
        of_transform = gf.configuration.keywords(transform)
        knobs = {*of_game, *of_transform, *([_STEP_SIZE] if self.method else [])} - {"groups"}
        if not knobs:
            raise ValueError(
                f"--knob must be a parameter of the game or the transform, got {self.knob!r}: "
                f"{self.game} and {self.transform} have none"
            )
        if self.knob not in knobs:
            hint = ": --knob step_size needs --method" if self.knob == _STEP_SIZE else ""
            raise ValueError(gf.checks.unknown(knobs, self.knob, argument="knob") + hint)
        if self.knob == "gamma" and self.gamma is not None:
            raise ValueError(f"--gamma is the knob, and has no one value, got {self.gamma:g}")
        turns_transform = self.knob in of_transform
        turns_game = self.knob in of_game and not turns_transform

        def original(value: Any) -> Any:
            game = chosen.build(**{self.knob: value}) if turns_game else chosen.game
            return gf.vector_field(game)

        def field(value: Any) -> Any:
            options = {**given, self.knob: value} if turns_transform else given
            return transform(original(value), **options)

        return field, original if chosen.original is not None else None

    def _build(self, field: Callable[[Any], Any]) -> Callable[[Any], Any]:
        if self.method is None:
            if self.step_size is not None:
                raise ValueError("--step-size is that of a method: give --method")
            return field
        step_size = 0.1 if self.step_size is None else self.step_size
        gf.checks.check_positive(step_size, argument="--step-size")
        builder = gf.checks.lookup(gf.METHODS, self.method, argument="method")
        optimizers = gf.configuration.OPTIMIZERS
        optimizer = gf.checks.lookup(optimizers, self.optimizer, argument="optimizer")

        def build(value: Any) -> Any:
            h = value if self.knob == _STEP_SIZE else step_size
            return builder(optimizer(h)), field(value)

        with in_words(OF_THE_PLANE):
            build(0.5 * step_size)
        return build

    def _zeros(
        self, field: Callable[[Any], Any], value: float, box: gf.Players, known: list[gf.Players]
    ) -> tuple[gf.Players, ...]:
        return gf.find_equilibria(
            field(value), bounds=box, num_starts=_ENDS, key=jax.random.key(0), known=known
        ).points

    def _draw(self, diagram: Diagram, output: Path) -> None:
        with gf.plot.style(dark=self.dark):
            figure = gf.plot.figure(5.4, 4.0)
            ax = figure.subplots()
            gf.plot.branches(diagram.found, ax, ordinate=self.ordinate)
            ax.set_title(diagram.title, loc="left", wrap=True)
            figure.legend(loc="outside lower center", ncols=3)
            gf.plot.save(figure, output)
