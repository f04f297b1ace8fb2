"""``ganfield compare``: runs of training side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from tyro.conf import Positional

import ganfield as gf
from ganfield.cli._help import options, shown
from ganfield.cli._options import Dark, File, Json
from ganfield.cli._show import number, show, table, tell

METRICS = ("loss_theta", "loss_phi", "norm_v_theta", "norm_v_phi", "diversity")


@options
class Compare:
    """Show runs of training side by side: how they differ, and what came of each.

    Runs that differ in their seed alone are one row, with the mean and the spread over them. Scores
    compare only where they were taken by one protocol, and runs only where they saw the same data.
    Nothing in the folders changes.

    Try:
      ganfield compare run run2
      ganfield compare runs/*/ --output comparison.png
    """

    folders: Annotated[Positional[tuple[Path, ...]], shown("RUN")]
    """The runs' folders."""
    output: File[Path | None] = None
    """Write a figure of metrics and scores to this .png, .pdf or .svg file.
    (default: no figure)"""
    dark: Dark = False
    json: Json = False

    def run(self) -> int:
        """Print what differs and the last rows, and draw the curves if a figure is asked for."""
        if self.output is not None:
            gf.plot.check_path(self.output, argument="--output")
        comparison = gf.runs.compare(self.folders)
        if self.output is not None:
            self._draw(comparison, self.output)
        tell(self, comparison)
        return 0

    def record(self, comparison: "gf.runs.Comparison") -> dict[str, Any]:
        """Return a comparison for JSON."""
        rows = [
            {
                "label": group.label,
                "runs": group.folders,
                "seeds": group.seeds,
                "step": int(group.metrics["step"][-1]) if group.metrics else None,
                "last": {
                    name: {"mean": mean, "std": std} for name, (mean, std) in group.last().items()
                },
            }
            for group in comparison.groups
        ]
        return {
            "groups": rows,
            "differences": comparison.differences,
            "protocol": comparison.protocol,
            "output": self.output,
        }

    def say(self, comparison: "gf.runs.Comparison") -> None:
        """Print a comparison, a column for each group."""
        groups = comparison.groups
        last = [group.last() for group in groups]
        for number_of, group in enumerate(groups, start=1):
            seeds = "seed" if len(group.seeds) == 1 else "seeds"
            print(f"{number_of}  {group.label}; {seeds} {', '.join(map(str, group.seeds))}")
        rows = table("", *(str(number_of) for number_of in range(1, len(groups) + 1)))
        steps = (str(group.metrics["step"][-1]) if group.metrics else "–" for group in groups)
        rows.add_row("step", *steps)
        for name in (*METRICS, *_scores(groups)):
            rows.add_row(name, *(_spread(*row.get(name, (np.nan, np.nan))) for row in last))
        show(rows)
        if comparison.protocol:
            print("scores: " + "; ".join(f"{k} {v}" for k, v in comparison.protocol[0].items()))
        if any(len(group.seeds) > 1 for group in groups):
            print("±: standard deviation over the seeds, at the last step that all of them have")
        if self.output is not None:
            print(f"wrote {self.output}")

    def _draw(self, comparison: "gf.runs.Comparison", output: Path) -> None:
        groups = comparison.groups
        scores = _scores(groups)
        names = [*METRICS, *scores]
        columns = min(3, len(names))
        lines = -(-len(names) // columns)
        with gf.plot.style(dark=self.dark):
            figure = gf.plot.figure(2.9 * columns, 2.1 * lines + 0.3 * len(groups) + 0.3)
            grid = figure.subplots(lines, columns, squeeze=False, sharex=True).ravel()
            for ax, name in zip(grid, names, strict=False):
                for index, group in enumerate(groups):
                    columns_of = group.scores if name in scores else group.metrics
                    if name in columns_of:
                        gf.plot.curves(
                            columns_of["step"],
                            columns_of[name],
                            ax,
                            color=f"C{index % 10}",
                            linestyle=gf.plot.LINE_STYLES[index % 4],
                            label=group.label,
                        )
                if name.startswith("norm_"):
                    gf.plot.log_where_wide(ax)
                ax.set_title(name.replace("_", " "), loc="left")
            for ax in grid[len(names) :]:
                ax.set_axis_off()
            for ax in grid[max(0, len(names) - columns) : len(names)]:
                ax.set_xlabel("step")
                ax.tick_params(labelbottom=True)
            handles = {
                text: line for line, text in zip(*grid[0].get_legend_handles_labels(), strict=True)
            }
            figure.legend(handles.values(), handles.keys(), loc="outside lower left")
            gf.plot.save(figure, output)


def _scores(groups: "Sequence[gf.runs.Group]") -> list[str]:
    """Return the names of all scores."""
    names = dict.fromkeys(name for group in groups for name in group.scores)
    return [name for name in names if name not in ("step", "seconds")]


def _spread(mean: float, deviation: float) -> str:
    return number(mean) if np.isnan(deviation) else f"{number(mean)} ± {number(deviation, 2)}"
