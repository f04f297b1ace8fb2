"""The spectrum of a run on its way: rows of ``spectrum.csv``, and whether the step is stable."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from ganfield.configuration import Built
from ganfield.methods import State
from ganfield.runs._run_directory import RunDirectory
from ganfield.spectra import Snapshot, snapshot
from ganfield.training._feeds import Feed

_NUM = 3  # eigenvalues of each kind


class Spectra:
    """Writes `ganfield.spectra.snapshot` of a run on the batch that its metrics are measured on.

    Args:
        built: the run.
        feed: its batches.
        folder: its folder.
        every: steps between rows.
    """

    def __init__(self, built: Built, feed: Feed, folder: RunDirectory, every: int):
        self._built, self._feed, self._folder, self.every = built, feed, folder, every
        self._is_stable: bool | None = None

    def record(self, state: State, step: int) -> None:
        """Write a row, and to ``events.log`` what it cost first, and what changed."""
        built, table = self._built, self._folder.spectrum
        field = None if built.config.method.transform == "identity" else built.field
        try:
            shot = snapshot(
                built.method,
                built.original,
                jax.tree.map(jnp.asarray, state),
                self._feed.measured(step),
                field=field,
                num=_NUM,
            )
        except ValueError as error:  # A run goes on where nobody can look.
            self._folder.tell(f"no spectrum at step {step}: {error}")
            return
        before = self._before()
        table.append({"step": step, **row_of(shot)})
        if before is None:
            self._folder.tell(
                f"spectrum: {shot.products} products, {shot.seconds:.1f} s, with compilation, "
                f"every {self.every} steps"
            )
        if shot.stable != before and not (before is None and shot.stable):
            where = "is back in" if shot.stable else "leaves"
            mu = shot.step.eigenvalues[int(np.argmax(np.abs(shot.step.eigenvalues)))]
            self._folder.tell(
                f"the step {where} the stable region at step {step}: the largest modulus of its "
                f"eigenvalues is {shot.radius:.6g}, that of {mu:.6g}"
            )
        self._is_stable = shot.stable

    def _before(self) -> bool | None:
        """Return whether the step was stable at the row before, None where there is none."""
        if self._is_stable is None and (rows := self._folder.spectrum.arrays()):
            self._is_stable = bool(rows["stable"][-1])
        return self._is_stable


def row_of(shot: Snapshot) -> dict[str, float | int]:
    """Return a snapshot as a row: NaN where there is no w, or fewer eigenvalues."""
    row: dict[str, float | int] = {"seconds": shot.seconds, "products": shot.products}
    for name in ("v", "v_turning", "w", "w_turning", "step"):
        leading = getattr(shot, name)
        values = np.full(_NUM, np.nan + 0j)
        if leading is not None:
            values[: len(leading.eigenvalues)] = leading.eigenvalues[:_NUM]
        for i, value in enumerate(values, start=1):
            row |= {f"{name}_real_{i}": float(value.real), f"{name}_imag_{i}": float(value.imag)}
        row[f"{name}_residual"] = (
            np.nan if leading is None else float(leading.residuals.max(initial=0.0))
        )
    for name, blocks in (("v", shot.v_blocks), ("w", shot.w_blocks)):
        share, error = (np.nan, np.nan) if blocks is None else blocks.rotation
        row |= {f"{name}_rotation": float(share), f"{name}_rotation_error": float(error)}
    return row | {"radius": shot.radius, "stable": int(shot.stable)}
