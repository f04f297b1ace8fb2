"""``ganfield explore``: a page in which a game computes live."""

import tempfile
import urllib.parse
import webbrowser
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeAlias

import ganfield as gf
from ganfield.cli._choose import Chosen, choose
from ganfield.cli._help import options, shown
from ganfield.cli._options import (
    Bounds,
    Count,
    Dynamics,
    File,
    Flag,
    Given,
    Json,
    Name,
    Point,
    Texts,
    numbers_in,
    parse_bounds,
    parse_starts,
)
from ganfield.cli._own import is_own, program
from ganfield.cli._show import tell, working

Ranges: TypeAlias = Annotated[Texts, shown("NAME=LOW,HIGH")]


class Page(NamedTuple):
    """A page that was written.

    ``address`` is where a browser finds it, with the choices that the options made.
    """

    chosen: Chosen
    path: Path
    size: int
    address: str


@options
class Explore(Dynamics):
    """Write a page in which a game computes live: one HTML file, without a server or a network.

    It shows fields, equilibria, runs, spectra and basins, with a slider for every number. The
    options say what it shows first. Without --output it is written to a temporary file and opened
    in the browser.

    Try:
      ganfield explore --game dirac_gan
      ganfield explore --game my_game.py:my_game --transform consensus --output my_game.html
    """

    method: Name[str] = "simultaneous"
    """The method that is chosen first: {methods}; not those with an inner solve."""
    optimizer: Name[str] = "sgd"
    """The optimizer that is chosen first: sgd, momentum, rmsprop, adam, which the page always
    offers, or another of {optimizers}."""
    wrapper: Name[str | None] = None
    """What is made of the method: {wrappers}. (default: nothing)"""
    step_size: float = 0.1
    """h > 0 at first; the page has a slider for it."""
    num_steps: Count[int] = 200
    """Steps of the runs from each start."""
    start: Point[Texts] = ()
    """Where runs start when the page is opened from here; one or several, such as 1,1 -1,0.5."""
    bounds: Bounds = "-2,2"
    slider: Ranges = ()
    """Other ranges of sliders, such as gamma=0,10 or coupling=-1,1; one of the game's numbers that
    is 0 has a slider only if it is named here."""
    title: Given[str] = None
    """The page's title. (default: the game's name)"""
    output: File[Path | None] = None
    """The page, an .html file; its folder is made if need be. (default: a temporary file, which
    the browser opens)"""
    open: Flag = False
    """Open the page in the browser."""
    json: Json = False

    def run(self) -> int:
        """Write the page, and open it if asked."""
        with working("Writing the page"):
            page = self.find()
        tell(self, page)
        if self.open or self.output is None:
            webbrowser.open(page.address)
        return 0

    def find(self) -> Page:
        """Write the page that the options ask for."""
        bounds = parse_bounds(self.bounds)
        starts = parse_starts(self.start, bounds)
        gf.checks.check_positive(self.step_size, argument="--step-size")
        gf.checks.check_count(self.num_steps, argument="--num-steps", minimum=1)
        if self.output is not None:
            gf.export.check_page_path(self.output, argument="--output")
        chosen = choose(self)
        first = f"{self.wrapper}.{self.method}" if self.wrapper else self.method
        text = gf.export.page(
            chosen.build,
            sliders=self._sliders(chosen.record["transform"]),
            methods=[first, *gf.export.METHOD_NAMES],
            optimizers=[self.optimizer, *gf.export.OPTIMIZER_NAMES],
            bounds=bounds,
            title=self.title,
            source=program(self.game),
            first="v" if self.transform == "identity" else self.transform,
        )
        path = self.output
        if path is None:
            name = self.game.rpartition(":")[2] if is_own(self.game) else self.game
            path = Path(tempfile.mkdtemp(prefix="ganfield-")) / f"{name}.html"
        gf.export.write(path, text)
        choices = {"steps": str(self.num_steps), "at": "0"}
        if starts:
            choices["starts"] = ";".join(f"{x.theta:g},{x.phi:g}" for x in starts)
        address = f"{path.resolve().as_uri()}#{urllib.parse.urlencode(choices)}"
        return Page(chosen, path, len(text.encode()), address)

    def record(self, page: Page) -> dict[str, Any]:
        """Return what was written for JSON."""
        return {**page.chosen.record, "output": page.path, "bytes": page.size}

    def say(self, page: Page) -> None:
        """Print what was written."""
        print(page.chosen.title)
        print(f"wrote {page.path}, {page.size / 1000:.0f} kB")

    def _sliders(self, transform: dict[str, Any]) -> dict[str, Any]:
        """Return the sliders' ranges and first values that the options give."""
        firsts = {
            f"{self.transform}.{name}": value
            for name, value in transform.items()
            # The page's step size is that of transforms too.
            if name not in ("name", "step_size")
        }
        sliders: dict[str, Any] = {"step_size": self.step_size, **firsts}
        texts = [text for group in self.slider for text in group]
        for name, text in gf.configuration.parse_settings(texts, argument="--slider").items():
            pair = numbers_in(text)
            if len(pair) != 2 or not pair[0] < pair[1]:
                raise ValueError(f"--slider must be NAME=LOW,HIGH, rising, got {name}={text}")
            whole = f"{self.transform}.{name}" if f"{self.transform}.{name}" in firsts else name
            first = sliders.get(whole)
            sliders[name] = pair
            if first is not None and pair[0] <= first <= pair[1]:
                sliders[whole] = (*pair, first)
        return sliders
