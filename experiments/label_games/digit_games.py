"""What the parts of this experiment share: presets on digits, runs of them, grids of images."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from matplotlib.axes import Axes

import ganfield as gf

# So that everything can be seen to work within seconds.
QUICK: dict[str, Any] = {
    "data.size": 8,
    "latent_size": 4,
    **{
        f"{player}.{name}": value
        for player in ("generator", "discriminator")
        for name, value in {
            "architecture": "mlp",
            "width": 16,
            "num_layers": 1,
            "batch_norm": False,
        }.items()
    },
}


def preset(name: str, quick: bool, changes: Mapping[str, Any]) -> gf.configuration.Config:
    """Return a preset on digits, with small perceptrons where it has to be quick."""
    config = gf.configuration.preset(f"digits/{name}")
    return config.replace({**(QUICK if quick else {}), **changes})


def train(built: gf.configuration.Built) -> gf.Run:
    """Return a run of a configuration, compiled, without a folder."""
    config, keys = built.config, gf.configuration.keys_of(built.config.seed)

    @jax.jit
    def run(sample: Callable[[jax.Array], gf.Batch]) -> gf.Run:
        return gf.simulate(
            built.method,
            built.field,
            built.game.init(keys.init),
            num_steps=config.num_steps,
            key=keys.batches,
            sample=sample,
        )

    return jax.block_until_ready(run(built.sampler()))


def finish(experiment: gf.reporting.Experiment, name: str, *texts: str) -> None:
    """Print what came out, and keep it beside the results for the README."""
    text = "\n\n".join(texts) + "\n"
    (experiment.folder / f"{name}.md").write_text(text, encoding="utf-8")
    experiment.finish(text)


def show_rows(ax: Axes, rows: Mapping[str, np.ndarray]) -> None:
    """Show a row of images for each name, with a white line round each."""
    tiles = np.stack([*rows.values()])[..., 0]
    tiles = np.pad(tiles, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=1)
    count, columns, height, width = tiles.shape
    ax.imshow(
        tiles.swapaxes(1, 2).reshape(count * height, columns * width), cmap="gray", vmin=-1, vmax=1
    )
    ax.set(xticks=[], yticks=np.arange(count) * height + height / 2)
    ax.set_yticklabels(rows)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
