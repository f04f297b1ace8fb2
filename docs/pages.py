"""Write the pages that docs/explorer.md links to: ``python docs/pages.py``."""

import functools
import runpy
from pathlib import Path

import ganfield as gf

FOLDER = Path(__file__).parent / "pages"


def pages() -> dict[str, str]:
    """Return the text of each page by the name of its file."""
    dirac = functools.partial(gf.games.dirac_gan, penalty="r1")
    objectives = ("standard", "js", "kl", "wasserstein", "least_squares", "hinge", "relativistic")
    own = runpy.run_path(str(FOLDER / "own_game.py"))["one_layer_gan"]
    return {
        "dirac_gan.html": gf.export.page(
            {name: functools.partial(dirac, name) for name in objectives},
            sliders={"penalty_weight": (0, 3, 0), "gamma": (0, 3, 0.6)},
            title="Dirac-GAN",
        ),
        "lattice.html": gf.export.page(
            gf.games.lattice,
            sliders={"gamma": (0, 3, 0.5)},
            bounds=(-5, 5),
            title="A lattice of equilibria",
        ),
        "own_game.html": gf.export.page(own, title="A GAN of my own"),
    }


if __name__ == "__main__":
    for name, text in pages().items():
        gf.export.write(FOLDER / name, text)
