"""Packages that are not always there, and the extras of ganfield that bring them."""

import importlib.util
from collections.abc import Iterable

# Package → the extra that brings it.
EXTRAS = {
    "flax": "networks",
    "matplotlib": "plot",
    "scipy": "plot",
    "filelock": "cli",
    "platformdirs": "cli",
    "rich": "cli",
    "tyro": "cli",
    "orbax": "images",
    "PIL": "images",
    "sklearn": "images",
    "tensorboardX": "tensorboard",
    "cloudpickle": "cluster",
    "distributed": "cluster",
    "xarray": "xarray",
}
# Extra → those that it contains.
_CONTAINS = {"cli": {"plot"}, "images": {"plot", "cli", "networks"}}


def say_needs(who: str, packages: Iterable[str], *, least: str = "") -> str:
    """Return which packages something needs, and what to install for them.

    Args:
        who: what needs them.
        packages: their names, one or several.
        least: an extra to install whatever is missing.

    Example:
        >>> say_needs("this", ["flax", "orbax"])
        "this needs flax and orbax: pip install 'ganfield[images]'"
    """
    *others, last = packages
    extras = {EXTRAS[package] for package in (*others, last)} | {least} - {""}
    extras -= {part for extra in extras for part in _CONTAINS.get(extra, ())}
    names = f"{', '.join(others)} and {last}" if others else last
    return f"{who} needs {names}: pip install 'ganfield[{','.join(sorted(extras))}]'"


def missing(packages: Iterable[str]) -> list[str]:
    """Return which of the packages are not there.

    Example:
        >>> missing(["jax"])
        []
    """
    return [package for package in packages if importlib.util.find_spec(package) is None]


def package_of(error: ImportError) -> str | None:
    """Return which of the packages an import failed for, or None if it was none of them."""
    cause = error if isinstance(error, ModuleNotFoundError) else error.__cause__
    package = str(getattr(cause, "name", "")).partition(".")[0]
    return package if package in EXTRAS else None


def need(package: str, *, who: str) -> None:
    """Import a package, or say which extra brings it.

    Raises:
        ImportError: it is not there.
    """
    try:
        importlib.import_module(package)
    except ModuleNotFoundError as error:
        name = package.partition(".")[0]
        if package_of(error) != name:  # It is there, and misses something itself.
            raise
        raise ImportError(say_needs(who, [name])) from error


def say_missing(error: ImportError) -> str | None:
    """Return in a sentence what a script needs that an import failed for; None for other errors.

    All that it will ask for next is named at once.
    """
    package = package_of(error)
    if package is None:
        return None
    optional = {"tensorboardX", "cloudpickle", "distributed", "xarray"}
    gone = missing(sorted(EXTRAS.keys() - optional))
    if gone == [package]:
        return str(error) if "pip install" in str(error) else say_needs("this", gone)
    return say_needs("this", gone or [package])
