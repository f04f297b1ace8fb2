"""Write the pages that docs/explorer.md links to: ``python docs/pages.py``."""

import functools
import runpy
from pathlib import Path

import ganfield as gf

HERE = Path(__file__).parent


def main() -> None:
    """Write three pages into docs/pages."""
    pages = HERE / "pages"
    dirac = functools.partial(gf.games.dirac_gan, penalty="r1")
    objectives = ("standard", "js", "kl", "wasserstein", "least_squares", "hinge", "relativistic")
    gf.export.html(
        pages / "dirac_gan.html",
        {name: functools.partial(dirac, name) for name in objectives},
        sliders={"penalty_weight": (0, 3, 0), "gamma": (0, 3, 0.6)},
        title="Dirac-GAN",
    )
    gf.export.html(
        pages / "lattice.html",
        gf.games.lattice,
        sliders={"gamma": (0, 3, 0.5)},
        bounds=(-5, 5),
        title="A lattice of equilibria",
    )
    own = runpy.run_path(str(pages / "own_game.py"))["one_layer_gan"]
    gf.export.html(pages / "own_game.html", own, title="A GAN of my own")


if __name__ == "__main__":
    main()
