"""``ganfield equilibria``: the zeros of a field, and what they are."""

from typing import Any

import ganfield as gf
from ganfield.cli._choose import choose
from ganfield.cli._help import options
from ganfield.cli._options import Bounds, Count, Dynamics, Json, parse_bounds
from ganfield.cli._show import (
    Zeros,
    classification_record,
    find_zeros,
    number,
    show,
    table,
    tell,
    working,
    yes_no,
)


@options
class Equilibria(Dynamics):
    """Find the equilibria of a field, the points where it is zero, and say what they are.

    Stable: every eigenvalue of the field's Jacobian has a negative real part, and small enough
    steps from nearby lead there. Unstable: all lead away. Saddle: some do. Centre: the field turns
    round it. With a transform the zeros are those of w, and a point is spurious if it attracts, or
    is there, by the transform's doing and not the game's.

    Exit code 1 says that there is none within the bounds.

    Try:
      ganfield equilibria --game two_attractors --bounds -15,15
      ganfield equilibria --game sine --transform consensus --gamma 2 --bounds -7,7 --json
    """

    bounds: Bounds = "-2,2"
    num_starts: Count[int] = 1024
    """Starts of Newton's method, spread over the bounds; a game's known equilibria are more."""
    seed: int = 0
    """Shifts the pattern of starts."""
    max_points: Count[int] = 50
    """How many to classify and show, those that most starts lead to."""
    json: Json = False

    def run(self) -> int:
        """Print a table of equilibria; return 1 where there is none."""
        with working("Looking for zeros"):
            zeros = self.find()
        tell(self, zeros)
        return 0 if zeros.classes else 1

    def find(self) -> Zeros:
        """Return the equilibria that the options ask for."""
        bounds = parse_bounds(self.bounds)
        gf.checks.check_count(self.num_starts, argument="--num-starts")
        gf.checks.check_count(self.max_points, argument="--max-points")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"--seed must be an integer from 0 to 2⁶³ − 1, got {self.seed}")
        chosen = choose(self)
        limits = {"num_starts": self.num_starts, "seed": self.seed, "max_points": self.max_points}
        return find_zeros(chosen, bounds, **limits)

    def record(self, zeros: Zeros) -> dict[str, Any]:
        """Return equilibria for JSON."""
        return {
            **zeros.chosen.record,
            "bounds": zeros.bounds._asdict(),
            "num_starts": zeros.equilibria.num_starts,
            "num_converged": zeros.equilibria.num_converged,
            "num_found": len(zeros.equilibria.points),
            "reason": zeros.equilibria.reason,
            "equilibria": [
                classification_record(point) | {"hits": count}
                for point, count in zip(zeros.classes, zeros.hits, strict=True)
            ],
        }

    def say(self, zeros: Zeros) -> None:
        """Print equilibria as a table."""
        chosen, count = zeros.chosen, len(zeros.equilibria.points)
        theta, phi = ("[{:g}, {:g}]".format(*pair) for pair in zeros.bounds)
        print(f"{chosen.title}\nzeros of {chosen.symbol} with θ in {theta} and φ in {phi}: {count}")
        if not zeros.classes:
            print(f"None: {zeros.equilibria.reason}.")
            print("To look further, widen the bounds, or start more often (--num-starts).")
            return
        rows = table("θ", "φ", "kind", "Nash", "minimax", "spurious", "h_max", "residual", "hits")
        for point, starts in zip(zeros.classes, zeros.hits, strict=True):
            rows.add_row(
                number(point.params.theta),
                number(point.params.phi),
                point.kind + (f" across {point.dimension}" if point.dimension else ""),
                yes_no(point.local_nash),
                yes_no(point.local_minimax),
                yes_no(point.spurious),
                number(point.max_step_size),
                number(point.residual, 2),
                str(starts),
            )
        show(rows)
        if count > len(zeros.classes):
            print(f"The {len(zeros.classes)} most hit are shown.")
        if any(point.dimension for point in zeros.classes):
            print("across 1: it lies on a continuum of dimension 1; kind and h_max are across it.")
        print(
            "h_max: simultaneous steps converge below it (0: none do). Nash and minimax: local.\n"
            "–: cannot be told from first derivatives of the field, or does not apply."
        )
