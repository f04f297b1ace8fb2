"""The folder of a run: what it is, who uses it, and whether it may be resumed."""

import contextlib
import datetime
import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ganfield._files import check_regular, read_json, reason_of, remove_partial, write_file
from ganfield.checks import lookup
from ganfield.configuration import Config
from ganfield.reporting import check_folder, provenance, to_json
from ganfield.runs._tables import METRICS, PATH, SIGNS, Table

if sys.platform != "win32":
    import fcntl

_UNTOLD = ("num_steps", "keep", "data.folder")

FREE = (*_UNTOLD, "record_every", "evaluate_every", "checkpoint_every", "stop")
"""What a resumed run may have otherwise: nothing here changes what a step does.

Rows that were written at another pace stay, and so a change of pace is told of.
"""

RESUME = ("auto", "always", "never")

_LOCK = ".lock"


class RunDirectory:
    """The folder of a run, open to one process at a time.

    It holds ``config.json``, ``run.json`` (where the run comes from), ``metrics.csv``,
    ``path.csv``, ``gaps.csv``, ``spectrum.csv`` and ``scores.csv`` if those are asked for,
    ``samples/``, ``checkpoints/`` and ``events.log``.

    Args:
        output: the folder.
        config: of the run that is to be.
        resume: "auto" resumes a run that is there and starts one where there is none; "always"
            refuses to start one, "never" to resume one.
        allow_changes: whether a run may be resumed with another configuration.
        listen: ``listen(message)``, called with every message of ``events.log``.

    Raises:
        ValueError: the folder cannot be used, holds something else, or a run with another
            configuration, or another version's table of metrics; another process is using it.
    """

    def __init__(
        self,
        output: str | os.PathLike[str],
        config: Config,
        *,
        resume: str = "auto",
        allow_changes: bool = False,
        listen: Callable[[str], None] | None = None,
    ):
        target = Path(output)
        changes = check_run(target, config, resume=resume, allow_changes=allow_changes)
        self.is_new = not is_run(target)
        self.folder = check_folder(target)
        self._listen = listen
        self._lock = _lock(self.folder)
        self._changes = changes
        self._allow_changes = allow_changes
        self._protocols: list[Any] | None = None
        self.id: str | None = None
        try:
            columns = ("step", "seconds", *METRICS, *SIGNS, "warnings")
            self.metrics = Table(self.folder / "metrics.csv", columns, later=SIGNS)
            self.path = Table(self.folder / "path.csv", ("step", *PATH))
            self.gaps = Table(self.folder / "gaps.csv")
            self.spectrum = Table(self.folder / "spectrum.csv")
            self.scores = Table(self.folder / "scores.csv")
            self.samples = check_folder(self.folder / "samples")
            for folder in (self.folder, self.samples):
                remove_partial(folder)
            if self.is_new:
                self.accept(config)
        except BaseException:
            self.close()
            raise

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.folder / "checkpoints"

    def tell(self, message: str) -> None:
        """Write a message to ``events.log``, and pass it on."""
        write_event(self.folder, message)
        if self._listen is not None:
            self._listen(message)

    def accept(self, config: Config) -> None:
        """Write configuration and protocols: of a resumed run once nothing speaks against it."""
        if self._changes:
            self.tell(f"configuration changed: {self._changes}")
        write_file(self.folder / "config.json", (config.to_json() + "\n").encode())
        if self._protocols is not None:
            content = to_json(self._protocols) + "\n"
            write_file(self.folder / "protocol.json", content.encode())

    def describe(self, images: Mapping[str, Any]) -> None:
        """Write ``run.json``, or check that a resumed run has the images that it was started with.

        Raises:
            ValueError: it has others, or the file cannot be read.
        """
        about = {} if self.is_new else read_about(self.folder)
        if not about:
            # Checkpoints that are there already may have an id, which nobody knows any more.
            begins = not (self.checkpoints.is_dir() and any(self.checkpoints.iterdir()))
            self.id = secrets.token_hex(8) if begins else None
            named = {} if self.id is None else {"id": self.id}
            content = to_json({**named, "data": dict(images), **provenance()}) + "\n"
            write_file(self.folder / "run.json", content.encode())
            return
        self.id = about.get("id")
        before = about.get("data")
        if before != dict(images):
            raise ValueError(
                f"the data are not those that the run in {self.folder} was started with: "
                f"{_shortly(before)} then, {_shortly(images)} now"
            )

    def check_scored_by(self, protocols: Sequence[Mapping[str, Any]]) -> None:
        """Check that scores were not taken otherwise before; `accept` writes ``protocol.json``.

        Raises:
            ValueError: they were, and changes are not allowed: such scores share no curve. Or the
                file cannot be read.
        """
        now = json.loads(to_json([dict(each) for each in protocols]))
        before = read_protocols(self.folder) or []
        if self.scores.first() is not None and before != now and not self._allow_changes:
            raise ValueError(
                f"the run in {self.folder} was scored otherwise, and such scores do not compare: "
                f"{_changes(before, now)}. Score it as before, not at all, or allow changes "
                "(allow_changes=True)"
            )
        self._protocols = now if before != now else None

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables, those that have no row yet too."""
        return (self.metrics, self.path, self.gaps, self.spectrum, self.scores)

    def cut(
        self,
        step: int,
        *,
        record_every: int,
        evaluate_every: int,
        spectrum_every: int | None = None,
    ) -> None:
        """Drop what was written after a step, which will be done again.

        And of this step what was written only because the run ended there.
        """
        last_record, last_evaluation, last_spectrum = (
            step if step % every == 0 else step - 1
            for every in (record_every, evaluate_every, spectrum_every or 1)
        )
        for table in (self.metrics, self.path, self.gaps):
            table.cut(last_record)
        self.spectrum.cut(last_spectrum)
        self.scores.cut(last_evaluation)
        for path in self.samples.glob("step_*.png"):
            number = path.stem.removeprefix("step_")
            if number.isdecimal() and int(number) > last_evaluation:
                path.unlink()

    def close(self) -> None:
        """Let other processes use the folder."""
        os.close(self._lock)


def write_event(folder: Path, message: str) -> None:
    """Write a message to ``events.log``, if that can be done: who listens must still hear it."""
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    log = folder / "events.log"
    with contextlib.suppress(OSError):
        if log.exists():
            check_regular(log)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{now} {message}\n")


def is_run(output: str | os.PathLike[str]) -> bool:
    """Return whether a folder holds a run."""
    return (Path(output) / "config.json").is_file()


def read_config(output: str | os.PathLike[str]) -> Config:
    """Return the configuration of a run.

    Args:
        output: the run's folder.

    Raises:
        ValueError: there is no run, or its configuration cannot be read.
    """
    path = Path(output) / "config.json"
    try:
        tree = read_json(path)
    except FileNotFoundError as error:
        raise ValueError(f"there is no run in {Path(output)}: it has no config.json") from error
    method = tree.get("method")
    if isinstance(method, dict) and "field" in method:
        raise ValueError(
            f"the run in {Path(output)} is of a ganfield before method.field in its config.json "
            "became method.transform: this one cannot read its checkpoints. Give another folder"
        )
    try:
        return Config.from_dict(tree)
    except ValueError as error:
        raise ValueError(f"{path} is no configuration: {reason_of(error)}") from error


def read_about(folder: Path) -> dict[str, Any]:
    """Return what ``run.json`` says, nothing where it is not there.

    Raises:
        ValueError: it cannot be read, or one of its fields is of another type.
    """
    path = folder / "run.json"
    try:
        about = read_json(path)
    except FileNotFoundError:
        return {}
    fields = {"id": about.get("id", ""), "data": about.get("data", {})}
    fields |= {"versions": about.get("versions", {})}
    for name, value in fields.items():
        wanted = str if name == "id" else dict
        if not isinstance(value, wanted):
            said = "a text" if wanted is str else "an object"
            raise ValueError(f"{path} cannot be read: {name} must be {said}, got {value!r:.40}")
    shape = fields["data"].get("shape", [1])
    sizes = [1 for size in shape if type(size) is int and size > 0] if type(shape) is list else []
    if not sizes or len(sizes) < len(shape):
        raise ValueError(
            f"{path} cannot be read: data.shape must be a list of integers ≥ 1, got {shape!r:.40}"
        )
    return about


def read_protocols(folder: Path) -> list[dict[str, Any]] | None:
    """Return what ``protocol.json`` says of how scores were taken; None where it is not there.

    Raises:
        ValueError: it cannot be read, or holds no list of objects.
    """
    path = folder / "protocol.json"
    try:
        protocols = read_json(path, list)
    except FileNotFoundError:
        return None
    for protocol in protocols:
        if not isinstance(protocol, dict):
            raise ValueError(
                f"{path} cannot be read: it must hold a list of objects, got {protocol!r:.40}"
            )
    return protocols


def check_run(
    output: str | os.PathLike[str],
    config: Config,
    *,
    resume: str = "auto",
    allow_changes: bool = False,
) -> str:
    """Raise a ``ValueError`` if a run of this configuration may not use a folder.

    Nothing is written.

    Returns:
        What the configuration changes of the run in the folder, in words, but for where it ends and
        what it keeps; often nothing.
    """
    lookup(dict.fromkeys(RESUME), resume, argument="resume")
    target = Path(output)
    if not is_run(target):
        if resume == "always":
            raise ValueError(f"there is no run in {target} to resume: it has no config.json")
        _check_empty(target)
        return ""
    if resume == "never":
        raise ValueError(f"{target} holds a run already, and resume='never' was asked for")
    differences = read_config(target).differences(config)
    refused = _in_words(differences, but=FREE)
    if refused and not allow_changes:
        raise ValueError(
            f"the run in {target} has another configuration: {refused}. Resume it as it is, give "
            "another output, or allow changes (allow_changes=True)"
        )
    return _in_words(differences, but=_UNTOLD)


def _in_words(differences: Mapping[str, tuple[Any, Any]], *, but: Sequence[str]) -> str:
    return "; ".join(
        f"{name}: {old} → {new}" for name, (old, new) in differences.items() if name not in but
    )


def _check_empty(target: Path) -> None:
    if not target.is_dir():
        return
    # A kill may leave a folder with nothing but what is hidden, or empty folders.
    left = sorted(
        path.name
        for path in target.iterdir()
        if not path.name.startswith(".") and not (path.is_dir() and not any(path.iterdir()))
    )
    if left:
        raise ValueError(
            f"output must be a new or empty folder, or one that holds a run, and {target} holds "
            f"{', '.join(left[:3])}{' …' if len(left) > 3 else ''}"
        )


def _lock(folder: Path) -> int:
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    if sys.platform == "win32":  # It has no such locks: there nobody is kept out.
        return handle
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise ValueError(f"another process is training in {folder}") from error
    return handle


def _shortly(data: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in dict(data or {}).items())


def _changes(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> str:
    """Return in words what differs between two lists of protocols."""
    if len(before) != len(now):
        return f"known protocols: {len(before)} → {len(now)}"
    return "; ".join(
        f"{name}: {one.get(name)} → {other.get(name)}"
        for one, other in zip(before, now, strict=True)
        for name in dict.fromkeys([*one, *other])
        if one.get(name) != other.get(name)
    )
