"""What JAX has compiled is kept on disk, so that a second start need not compile it again."""

import contextlib
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import jax

# What a program took so long to compile, in seconds, that reading it is quicker. The limit, of
# bytes, is some thousands of programs: JAX looks at all of them when it adds one.
_SETTINGS = {
    "jax_compilation_cache_max_size": 256 * 2**20,
    "jax_persistent_cache_min_compile_time_secs": 0.02,
}
_LOCKED = 5.0  # seconds that another process may hold the folder
_TROUBLE = re.compile(r"Error (?:reading|writing) persistent compilation cache entry for '(.*?)'")


def keep_programs() -> None:
    """Have JAX keep what it compiles in a folder of this user's, for programs to come.

    Of a program alone, the command or a script: a library leaves that to whoever uses it. JAX's own
    settings win: ``JAX_COMPILATION_CACHE_DIR`` is another folder, or none if it is empty;
    ``JAX_ENABLE_COMPILATION_CACHE=0`` keeps nothing. A folder that cannot be used is told of in a
    sentence, and what is damaged in it is compiled and written anew.

    Example:
        >>> keep_programs()  # Tests have a folder of their own, which stays.
    """
    config: Any = jax.config  # whose settings are no attributes to a type checker
    if config.jax_compilation_cache_dir is not None or not config.jax_enable_compilation_cache:
        return
    try:
        folder = _folder()
    except (OSError, RuntimeError, NotImplementedError, ImportError) as error:
        print(f"what is compiled is not kept for another start: {error}", file=sys.stderr)
        return
    for name, value in _SETTINGS.items():
        if name.upper() not in os.environ:
            config.update(name, value)
    config.update("jax_compilation_cache_dir", str(folder))
    _mend(folder)


def _folder() -> Path:
    """Return the folder, which this process can write to and lock.

    Raises:
        OSError: it cannot; or another process holds it.
        NotImplementedError: the file system has no locks.
        ImportError: what a limit of size needs is not there.
        RuntimeError: this user has no home.
    """
    from filelock import FileLock
    from platformdirs import user_cache_path

    # Pythons differ in how they compress programs, which JAX's names of them do not say.
    version = f"programs-{sys.version_info.major}.{sys.version_info.minor}"
    folder = user_cache_path("ganfield", appauthor=False) / version
    # What is in it is run: nobody else may write there.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(folder / "check.lock", timeout=_LOCKED):
        return folder


def _mend(folder: Path) -> None:
    """Remove a program that JAX could not read, or else it would be kept, and said so each time."""
    show = warnings.showwarning

    def mend(message: Warning | str, *where: Any, **rest: Any) -> None:
        trouble = _TROUBLE.match(str(message))
        if trouble is None:
            show(message, *where, **rest)
            return
        with contextlib.suppress(OSError):  # What cannot be mended is compiled each time.
            for path in folder.glob(f"{trouble[1]}-*"):
                path.unlink(missing_ok=True)

    warnings.showwarning = mend
