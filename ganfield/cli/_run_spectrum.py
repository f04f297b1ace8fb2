"""The spectrum of a run of training: leading eigenvalues at one of its checkpoints."""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

import ganfield as gf
from ganfield.cli._show import complex_number, number, show, table, working, yes_no

NAMES = {
    "v": "v′, largest real part",
    "v_turning": "v′, largest imaginary part",
    "w": "w′, largest real part",
    "w_turning": "w′, largest imaginary part",
    "step": "step F′, largest modulus",
}


class RunSpectrum(NamedTuple):
    """A run at a checkpoint, and the leading eigenvalues there."""

    run: "gf.runs.SavedRun"
    shot: gf.spectra.Snapshot


def find(folder: Path, step: int | None, num: int) -> RunSpectrum:
    """Return the leading eigenvalues of a run, on one minibatch of its data."""
    gf.checks.check_count(num, argument="--num")
    # Commands run in float64; networks were trained in float32.
    with jax.enable_x64(False), working(f"products with the Jacobian at a checkpoint of {folder}"):
        run = gf.runs.load(folder, step)
        field = None if run.config.method.transform == "identity" else run.field
        batch = run.sample(jax.random.key(0))
        shot = gf.spectra.snapshot(run.method, run.original, run.state, batch, field=field, num=num)
    return RunSpectrum(run, shot)


def record(spectrum: RunSpectrum, output: Path | None) -> dict[str, Any]:
    """Return a spectrum for JSON."""
    run, shot = spectrum
    kinds = {
        name: {
            "eigenvalues": each.eigenvalues,
            "residuals": each.residuals,
            "conditions": each.conditions,
            "converged": each.converged,
            "zeros": each.zeros,
        }
        for name, each in shot.parts()
    }
    rotation = {
        name: {"share": blocks.rotation.value, "standard_error": blocks.rotation.standard_error}
        for name, blocks in (("v", shot.v_blocks), ("w", shot.w_blocks))
        if blocks is not None
    }
    facts = {"radius": shot.radius, "stable": shot.stable, "products": shot.products}
    about = {"run": run.folder, "step": run.step, "seconds": shot.seconds, "output": output}
    return about | facts | {"spectra": kinds, "rotation": rotation}


def say(spectrum: RunSpectrum, output: Path | None) -> None:
    """Print a spectrum as a table."""
    run, shot = spectrum
    print(f"{run.folder} at step {run.step}, on one minibatch of {run.config.batch_size}")
    rows = table("of", "eigenvalues", "modulus", "residual", "condition")
    for name, each in shot.parts():
        rows.add_row(
            NAMES[name],
            "\n".join(complex_number(value) for value in each.eigenvalues),
            "\n".join(f"{abs(value):.6g}" for value in each.eigenvalues),
            "\n".join(f"{value:.1e}" for value in each.residuals),
            "\n".join(number(value, 2) for value in each.conditions),
        )
    show(rows)
    shares = [f"v′ {shot.v_blocks.rotation}"]
    if shot.w_blocks is not None:
        shares.append(f"w′ {shot.w_blocks.rotation}")
    print(f"share of rotation, ‖A‖²/‖J‖² of J = S + A: {', '.join(shares)}")
    print(
        f"the step is stable here: {yes_no(shot.stable)} (largest modulus {shot.radius:.6g}); "
        f"{shot.products} products, {shot.seconds:.1f} s\n"
        "F′: of the parameters and what follows them, the optimizer's second moments as the run has"
        "\nthem. condition: by how much more than the residual an eigenvalue may be off, at least."
    )
    if output is not None:
        print(f"wrote {output}")


def draw(spectrum: RunSpectrum, output: Path, *, dark: bool) -> None:
    """Draw the eigenvalues of the fields beside those of the step."""
    run, shot = spectrum
    with gf.plot.style(dark=dark):
        figure = gf.plot.figure(6.4, 3.4)
        left, right = figure.subplots(1, 2)
        for index, (field, label) in enumerate((("v", "v′"), ("w", "w′"))):
            parts = [getattr(shot, name) for name in (field, f"{field}_turning")]
            values = [each.eigenvalues for each in parts if each is not None]
            if values:
                points = gf.plot.spectrum(
                    np.concatenate(values), left, color=f"C{index}", label=label
                )
                points.set(sizes=[30], alpha=0.8)
        left.set_title("fields", loc="left")
        # Of a small step all of them are near 1, and of the circle a part is enough.
        reach = 1.5 * max(float(np.abs(shot.step.eigenvalues - 1).max()), 1e-6)
        box = (1 - reach, 1 + reach, -reach, reach) if reach < 1 else None
        points = gf.plot.spectrum(
            shot.step.eigenvalues, right, box=box, unit_circle=True, color="C3"
        )
        points.set(sizes=[30], alpha=0.8)
        right.set_title(f"step: |F′| = {shot.radius:.5g}", loc="left")
        figure.suptitle(f"{run.folder.name} at step {run.step}")
        figure.legend(loc="outside lower center", ncols=2)
        gf.plot.save(figure, output)
