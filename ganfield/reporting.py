"""Results on disk: where a number comes from, files that are whole, and what experiments share."""

import dataclasses
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ganfield import checks
from ganfield._files import write_file


def check_folder(path: str | os.PathLike[str], *, argument: str = "output") -> Path:
    """Make a folder if need be, and return it; raise at once if nothing can be written there.

    Args:
        path: the folder.
        argument: what the caller calls it.

    Raises:
        ValueError: it is no folder, or cannot be made or written to.

    Example:
        >>> check_folder("/dev/null/results")
        Traceback (most recent call last):
        ...
        ValueError: output must be a folder that can be written to, got '/dev/null/results': ...
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(
            f"{argument} must be a folder that can be written to, got {str(path)!r}: "
            f"{error.strerror}"
        ) from error
    return folder


def check_distinct(values: Iterable[Any], *, argument: str) -> None:
    """Raise unless all values differ: what is named twice would be run twice.

    Args:
        values: names, seeds.
        argument: what the caller calls them.

    Raises:
        ValueError: one of them is there again.

    Example:
        >>> check_distinct(("consensus", "consensus"), argument="methods")
        Traceback (most recent call last):
        ...
        ValueError: methods must name each once, got 'consensus' again
    """
    before: list[Any] = []
    for value in values:
        if value in before:
            raise ValueError(f"{argument} must name each once, got {value!r} again")
        before.append(value)


def check_seeds(values: Sequence[int], *, argument: str = "seeds") -> None:
    """Raise unless there is a seed, each is an integer from 0 to 2³² − 1, and none is there twice.

    Raises:
        ValueError: as said.

    Example:
        >>> check_seeds((0, -1))
        Traceback (most recent call last):
        ...
        ValueError: each of seeds must be an integer from 0 to 2³² − 1, got -1
    """
    if not values:
        raise ValueError(f"{argument} must not be empty")
    for value in values:
        checks.check_seed(value, argument=f"each of {argument}")
    check_distinct(values, argument=argument)


def provenance() -> dict[str, Any]:
    """Return where a result comes from: versions, commit, command and hardware.

    ``commit`` is that of the repository of the running script, or None outside of one;
    ``uncommitted`` says whether tracked files there differ from it.

    Example:
        >>> sorted(provenance())
        ['command', 'commit', 'device', 'uncommitted', 'versions']
    """
    script = Path(sys.argv[0] or ".").resolve()
    folder = script if script.is_dir() else script.parent
    commit = _git("rev-parse", "HEAD", folder=folder)
    changes = _git("status", "--porcelain", "--untracked-files=no", folder=folder)
    packages = ("ganfield", "jax", "jaxlib", "flax", "optax", "numpy")
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    name = [os.path.relpath(script)] if script.is_file() else []
    return {
        "command": shlex.join(["python", *name, *sys.argv[1:]]),
        "commit": commit,
        "uncommitted": None if changes is None else bool(changes),
        "versions": versions,
        "device": {
            "platform": jax.default_backend(),
            "kind": jax.devices()[0].device_kind,
            "count": jax.device_count(),
            "cpu_cores": os.cpu_count(),
        },
    }


def to_json(value: Any) -> str:
    """Return a value as JSON text.

    Arrays become lists; NaN and infinity, which JSON does not have, become null; a complex number
    becomes ``{"re": …, "im": …}``.

    Args:
        value: dicts, lists, strings, numbers and arrays.

    Returns:
        The text, without a newline at its end.

    Raises:
        TypeError: something in the value is none of these.

    Example:
        >>> import numpy as np
        >>> print(to_json({"eigenvalue": 0.5j, "step_size": np.float32("nan")}))
        {
         "eigenvalue": {
          "re": 0.0,
          "im": 0.5
         },
         "step_size": null
        }
    """
    return json.dumps(_plain(value), indent=1, allow_nan=False, ensure_ascii=False)


def save_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write a value as JSON, atomically: a reader sees the old file or the new one.

    Args:
        path: the file.
        value: what `to_json` takes.

    Example:
        >>> import pathlib, tempfile, numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "result.json"
        ...     save_json(path, {"jsd": np.array([0.5, np.nan])})
        ...     json.loads(path.read_text())
        {'jsd': [0.5, None]}
    """
    write_file(Path(path), (to_json(value) + "\n").encode())


class Experiment:
    """A running experiment: its folder, its clock, and results that say where they come from.

    Args:
        config: the options of the script, a dataclass.
        folder: where results go; ``config.output`` if None.

    Attributes:
        config: the options.
        folder: where results go; it can be written to.

    Raises:
        ValueError: as `check_folder`.

    Example:
        >>> import dataclasses, tempfile
        >>> @dataclasses.dataclass
        ... class Config:
        ...     output: str
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     experiment = Experiment(Config(folder))
        ...     experiment.save("result.json", jsd=0.5)
        ...     sorted(json.loads((experiment.folder / "result.json").read_text()))
        ['command', 'commit', 'config', 'device', 'jsd', 'uncommitted', 'versions']
    """

    def __init__(self, config: Any, folder: Path | None = None):
        self.config = config
        self.folder = check_folder(config.output if folder is None else folder)
        self._began = self._lapped = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.perf_counter() - self._began

    def lap(self) -> float:
        """Return the seconds since the last lap, or since it began."""
        before, self._lapped = self._lapped, time.perf_counter()
        return self._lapped - before

    def save(self, name: str, **content: Any) -> None:
        """Write a result as JSON: the options, where it comes from, and what is given."""
        origin = {"config": dataclasses.asdict(self.config), **provenance()}
        save_json(self.folder / name, origin | content)

    def finish(self, *texts: str) -> None:
        """Print what came out, how long it took, and where the rest is."""
        print(*texts, f"{self.seconds:.0f} s in all; results are in {self.folder}", sep="\n\n")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, markdown: bool = False) -> str:
    """Return a table as text, in columns for a terminal or in Markdown.

    Args:
        head: the names of the columns.
        rows: as many cells each.
        markdown: whether it is for a README.

    Example:
        >>> print(table(("game", "v"), [("bilinear", "(−φ, θ)")]))
        game      v
        --------  -------
        bilinear  (−φ, θ)
    """
    lines = [head, *rows]
    if markdown:
        lines.insert(1, ["---"] * len(head))
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def publish(readme: str | os.PathLike[str], name: str, text: str) -> None:
    """Put a text into a README, between ``<!-- name: begin -->`` and ``<!-- name: end -->``.

    Args:
        readme: the file.
        name: what the marks say.
        text: whole lines.

    Raises:
        ValueError: it has no such marks.
    """
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    before, _, rest = Path(readme).read_text("utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not closed:
        raise ValueError(f"readme must have the lines {begin!r} and {end!r}, got {str(readme)!r}")
    write_file(Path(readme), (before + begin + text + end + after).encode())


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | jax.Array | np.generic):
        value = np.asarray(value).tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, complex):
        return {"re": _plain(value.real), "im": _plain(value.imag)}
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value


def _git(*arguments: str, folder: Path) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
