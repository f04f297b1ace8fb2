"""A page of one file in which a game computes, and the same page in a notebook."""

from __future__ import annotations

import html as _html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganfield.export._model import model

if TYPE_CHECKING:
    from IPython.display import IFrame

_PAGE = Path(__file__).with_name("page.html")
_MARK = "/*GANFIELD-MODEL*/"


def page(game_or_fields: Any, **options: Any) -> str:
    """Return the text of the page that `html` writes.

    Args:
        game_or_fields: see `html`.
        **options: likewise, and those of `ganfield.export._model.model`.
    """
    made = model(game_or_fields, **options)
    before, mark, after = _PAGE.read_text(encoding="utf-8").partition(_MARK)
    if not mark:
        raise ValueError(f"{_PAGE.name} has no {_MARK}: build it anew")
    return f"{before}const model={made};{after}"


def html(
    path: str | Path,
    game_or_fields: Any,
    *,
    sliders: Mapping[str, Any] | None = None,
    transforms: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    optimizers: Sequence[str] | None = None,
    bounds: Any = (-2, 2),
    title: str | None = None,
) -> None:
    """Write a page in which a game computes live: one file, without a server or a network.

    The page computes v, the fields made of it, their Jacobians and the steps of methods in
    JavaScript that is made of the game's own JAX program, in float64.

    Args:
        path: the file, ``.html``; its folder is made if need be.
        game_or_fields: a `ganfield.games.Game` of two parameters; a function that makes one, such
            as ``gf.games.dirac_gan``, whose settings then have sliders, and which is played with
            each objective if it takes one; the name of a registered game; a field of two numbers
            (of a larger game one of `ganfield.planes.on_plane`); or several of these by name.
        sliders: setting → ``(low, high)``, ``(low, high, value)``, or a value to begin with, for
            other ranges than the page's own; "consensus.gamma" is that of consensus alone. A
            setting of the game that is 0 by default has a slider only if it is named here.
        transforms: names in `ganfield.TRANSFORMS`; all if None.
        methods: names in `ganfield.METHODS`, or in a wrapper, such as "lookahead.alternating"; all
            that have no inner solve if None.
        optimizers: "sgd", "momentum", "rmsprop", "adam", or others of
            `ganfield.configuration.OPTIMIZERS`, without sliders; the four if None.
        bounds: the part of the plane to look at, ``(low, high)`` or `Players` of two such pairs.
        title: of the page; the game's name if None.

    Raises:
        ValueError: the game is not of two parameters; a primitive in it has no JavaScript; a method
            has an inner solve; a name is unknown, or a range does not rise; the path is no
            ``.html`` file.
        OSError: the file cannot be written.

    Example:
        >>> import ganfield as gf
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "lattice.html"
        >>> html(path, gf.games.lattice, sliders={"gamma": (0, 3)}, methods=["extragradient"])
        >>> path.stat().st_size < 150_000
        True
    """
    path = check_page_path(path, argument="path")
    text = page(
        game_or_fields,
        sliders=sliders,
        transforms=transforms,
        methods=methods,
        optimizers=optimizers,
        bounds=bounds,
        title=title,
    )
    write(path, text)


def check_page_path(path: str | Path, *, argument: str) -> Path:
    """Return the path of a page, or raise a ``ValueError`` unless its name ends in ``.html``."""
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"{argument} must be an .html file, got {str(path)!r}")
    return path


def write(path: Path, text: str) -> None:
    """Write a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def explore(game_or_fields: Any, *, height: int = 720, **options: Any) -> IFrame:
    """Return the page of `html` for the output cell of a notebook.

    It needs no kernel: a notebook that is saved keeps it alive.

    Args:
        game_or_fields: see `html`.
        height: of the cell, in pixels.
        **options: those of `html`.

    Returns:
        An ``IPython.display.IFrame``.

    Raises:
        ValueError: as `html` does.
        ImportError: IPython is not there.

    Example:
        >>> import ganfield as gf
        >>> gf.export.explore(gf.games.lattice, methods=["simultaneous"]).width
        '100%'
    """
    from IPython.display import IFrame

    text = _html.escape(page(game_or_fields, **options), quote=True)
    return IFrame("about:blank", "100%", height, extras=[f'srcdoc="{text}"'])
