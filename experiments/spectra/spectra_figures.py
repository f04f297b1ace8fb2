"""The figures of the spectra along a training."""

from pathlib import Path
from typing import Any

import numpy as np

import ganfield as gf

FIELDS = (("v", "v′"), ("w", "w′"))


def draw(results: dict[str, Any], folder: Path) -> None:
    """Draw the fields' eigenvalues for each run, and the steps' beside what runs do."""
    _fields(results, folder / "fields.png")
    _steps(results, folder / "steps.png")


def _fields(results: dict[str, Any], path: Path) -> None:
    """Draw v′ above w′, a column for each run, later snapshots darker."""
    with gf.plot.style():
        figure = gf.plot.figure(2.6 * len(results), 5.0)
        grid = figure.subplots(2, len(results), squeeze=False)
        for column, (name, result) in enumerate(results.items()):
            shots = result["snapshots"]
            for row, (field, symbol) in enumerate(FIELDS):
                ax = grid[row, column]
                for index, shot in enumerate(shots):
                    spectra = shot["spectra"]
                    values = np.concatenate(
                        [spectra[kind]["eigenvalues"] for kind in (field, f"{field}_turning")]
                    )
                    points = gf.plot.spectrum(
                        np.concatenate([values, values.conj()]),
                        ax,
                        color=f"C{row}",
                        label=f"step {shot['step']}",
                    )
                    points.set(sizes=[22], alpha=(index + 1) / len(shots))
                ax.set_title(f"{name}: {symbol}", loc="left")
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        gf.plot.save(figure, path)


def _steps(results: dict[str, Any], path: Path) -> None:
    """Draw the largest modulus of F′ and the measured growth against steps."""
    with gf.plot.style():
        figure = gf.plot.figure(4.4, 4.2)
        ax = figure.subplots()
        for index, (name, result) in enumerate(results.items()):
            shots = result["snapshots"]
            steps = [shot["step"] for shot in shots]
            moduli = [np.abs(shot["spectra"]["step"]["eigenvalues"]).max() for shot in shots]
            color = f"C{index}"
            ax.plot(steps, moduli, "o-", color=color, label=f"{name}: largest modulus of F′")
            measured = [shot["grows_by"] for shot in shots]
            ax.plot(
                steps, measured, "x--", color=color, label=f"{name}: two runs beside each other"
            )
        ax.axhline(1, color="0.5", linewidth=0.8, zorder=0)
        ax.set(xlabel="step", ylabel="factor in a step")
        figure.legend(loc="outside lower center")
        gf.plot.save(figure, path)
