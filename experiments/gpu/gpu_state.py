"""What a run knows, on disk: killed at any moment, the next start goes on from it.

And what travels: one small archive of results, and the state itself in pieces of a size that may
come back from a lent machine, for a later part on a fresh one.
"""

import hashlib
import io
import json
import re
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

REPORT_LIMIT = 15 * 2**20
"""Bytes of the archive of results."""
PIECE, STATE_LIMIT = 15 * 2**20, 30 * 2**20
"""Bytes of a piece of the packed state, and of all of them."""
_NAME = re.compile(r"state-([0-9a-f]{8})-(\d+)of(\d+)")


class State:
    """What was measured and trained so far, in ``state.json`` of a folder.

    Args:
        folder: made if need be.

    Attributes:
        folder: where everything is: run folders, the classifier, logs.
        content: "rows" (key → what was measured), "runs" (name → what became of it), "attempts"
            (what → how often it was begun without an end) and "parts" (where each part ran).
    """

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "runs").mkdir(exist_ok=True)
        path = folder / "state.json"
        self.content: dict[str, Any] = {"rows": {}, "runs": {}, "attempts": {}, "parts": []}
        if path.exists():
            self.content |= json.loads(path.read_text("utf-8"))

    def save(self) -> None:
        """Write it, whole or not at all."""
        text = json.dumps(self.content, indent=1, ensure_ascii=False) + "\n"
        write_whole(self.folder / "state.json", text.encode())

    def begin(self, what: str) -> int:
        """Note that something begins, and return how often it began before without an end."""
        attempts = self.content["attempts"]
        before: int = attempts.get(what, 0)
        attempts[what] = before + 1
        self.save()
        return before

    def end(self, what: str) -> None:
        """Note that it ended, well or not."""
        self.content["attempts"].pop(what, None)
        self.save()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under another name and rename it, so that a kill leaves the old one or this."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(data)
    partial.replace(path)


def write_report(path: Path, files: Iterable[tuple[str, bytes]], limit: int = REPORT_LIMIT) -> None:
    """Write an archive of files, the first ones first, of those that it has room for.

    Args:
        path: of the archive, a .zip.
        files: (name, content); ``left_out.txt`` in the archive names those without room.
        limit: bytes.
    """
    target, left_out, used = io.BytesIO(), [], 0
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            # No file grows by being packed, but for its names.
            if used + len(content) + 500 > limit - 20_000:
                left_out.append(name)
                continue
            before = target.tell()
            archive.writestr(name, content)
            used += target.tell() - before + len(name) + 100
        if left_out:
            archive.writestr("left_out.txt", "\n".join(left_out[:200]) + "\n")
    write_whole(path, target.getvalue())


def pack(state: State, folder: Path, limit: int = STATE_LIMIT) -> list[str]:
    """Write the state in pieces, and return the names of runs that they have no room for.

    Of each run there are tables, grids and the last checkpoint; runs come in the order in which
    they were begun. Without its folder a run begins again.
    """
    chosen = [path for path in (state.folder / "classifier.npz",) if path.exists()]
    used, left_out = 10_000 + sum(path.stat().st_size for path in chosen), []
    for name in state.content["runs"]:
        files = list(run_files(state.folder / "runs" / name))
        size = sum(path.stat().st_size + 2000 for path in files)
        if used + size > limit:
            left_out.append(name)
            continue
        used += size
        chosen += files
    target = io.BytesIO()
    content = {**state.content, "runs": dict(state.content["runs"])}
    for name in left_out:
        del content["runs"][name]
    with tarfile.open(fileobj=target, mode="w") as archive:
        text = json.dumps(content, ensure_ascii=False).encode()
        about = tarfile.TarInfo("state.json")
        about.size = len(text)
        archive.addfile(about, io.BytesIO(text))
        for path in chosen:
            archive.add(path, str(path.relative_to(state.folder)))
    data = target.getvalue()
    digest, count = hashlib.sha256(data).hexdigest()[:8], -(-len(data) // PIECE)
    folder.mkdir(parents=True, exist_ok=True)
    before = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)]
    names = [f"state-{digest}-{index + 1}of{count}" for index in range(count)]
    for path in before:
        path.unlink()
    for index, name in enumerate(names):
        write_whole(folder / name, data[index * PIECE : (index + 1) * PIECE])
    return left_out


def run_files(folder: Path) -> Iterable[Path]:
    """Yield the files of a run that it can go on from: of its checkpoints the last one."""
    steps = [path for path in (folder / "checkpoints").glob("*") if path.name.isdecimal()]
    last = max(steps, key=lambda path: int(path.name), default=None)
    for path in sorted(folder.rglob("*")):
        inside = folder / "checkpoints" in path.parents
        if path.is_file() and path.name != ".lock" and (not inside or last in path.parents):
            yield path


def restore(folder: Path, target: Path) -> bool:
    """Unpack a packed state into a folder without one; return whether there was any.

    Raises:
        ValueError: pieces are missing or damaged.
    """
    if (target / "state.json").exists():
        return False
    pieces: dict[str, dict[int, Path]] = {}
    counts: dict[str, int] = {}
    for path in folder.rglob("state-*"):
        if match := _NAME.fullmatch(path.name):
            digest, index, count = match[1], int(match[2]), int(match[3])
            pieces.setdefault(digest, {})[index], counts[digest] = path, count
    if not pieces:
        return False
    if len(pieces) > 1:
        raise ValueError(f"{folder} has pieces of several states: {', '.join(sorted(pieces))}")
    ((digest, parts),) = pieces.items()
    if len(parts) < counts[digest]:
        raise ValueError(f"{folder} has {len(parts)} of {counts[digest]} pieces of {digest}")
    data = b"".join(parts[index].read_bytes() for index in sorted(parts))
    if hashlib.sha256(data).hexdigest()[:8] != digest:
        raise ValueError(f"the state {digest} in {folder} is damaged")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = archive.getmembers()
        # What says that there is a state comes last.
        for member in [*members[1:], members[0]]:
            archive.extract(member, target, filter="data")
    return True
