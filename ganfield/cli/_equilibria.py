"""``ganfield equilibria``: the zeros of a field, and what they are."""

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import arg

import ganfield as gf
from ganfield.cli._choose import choose
from ganfield.cli._options import Bounds, Dynamics, Json, parse_bounds
from ganfield.cli._show import classification_record, number, show, table, working, yes_no, zeros


@dataclass(frozen=True, kw_only=True)
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
    num_starts: Annotated[
        int, arg(metavar="COUNT", help="Starts of Newton's method, spread over the bounds.")
    ] = 1024
    seed: Annotated[int, arg(metavar="INT", help="Shifts the pattern of starts.")] = 0
    max_points: Annotated[
        int,
        arg(
            metavar="COUNT",
            help="How many to classify and show, those that most starts lead to; of a continuum of "
            "zeros there is no end.",
        ),
    ] = 50
    json: Json = False

    def run(self) -> int:
        """Print a table of equilibria; return 1 where there is none."""
        bounds = parse_bounds(self.bounds)
        gf.checks.check_count(self.num_starts, argument="--num-starts")
        gf.checks.check_count(self.max_points, argument="--max-points")
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"--seed must be an integer from 0 to 2⁶³ − 1, got {self.seed}")
        chosen = choose(self)
        with working("Looking for zeros"):
            found, kept, classes = zeros(
                chosen,
                bounds,
                num_starts=self.num_starts,
                seed=self.seed,
                max_points=self.max_points,
            )
        if self.json:
            rows = [
                classification_record(each) | {"hits": found.hits[index]}
                for index, each in zip(kept, classes, strict=True)
            ]
            record = {
                **chosen.record,
                "bounds": bounds._asdict(),
                "num_starts": found.num_starts,
                "num_converged": found.num_converged,
                "num_found": len(found.points),
                "equilibria": rows,
            }
            print(gf.reporting.to_json(record))
            return 0 if rows else 1

        theta, phi = ("[{:g}, {:g}]".format(*pair) for pair in bounds)
        count = len(found.points)
        print(f"{chosen.title}\nzeros of {chosen.symbol} with θ in {theta} and φ in {phi}: {count}")
        if not classes:
            print("None: widen the bounds, or start more often (--num-starts).")
            return 1
        shown = table("θ", "φ", "kind", "Nash", "minimax", "spurious", "h_max", "residual", "hits")
        for index, each in zip(kept, classes, strict=True):
            shown.add_row(
                number(each.params.theta),
                number(each.params.phi),
                each.kind,
                yes_no(each.local_nash),
                yes_no(each.local_minimax),
                yes_no(each.spurious),
                number(each.max_step_size),
                number(each.residual, 2),
                str(found.hits[index]),
            )
        show(shown)
        if count > len(kept):
            print(f"The {len(kept)} most hit are shown; so many zeros may be a continuum.")
        print(
            "h_max: simultaneous steps converge below it (0: none do). Nash and minimax: local.\n"
            "–: cannot be told from first derivatives of the field, or does not apply."
        )
        return 0
