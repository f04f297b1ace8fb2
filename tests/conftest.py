"""What tests and doctests share: compiled programs, float64 on demand, no window."""

import atexit
import builtins
import itertools
import os
import shutil
import tempfile
from pathlib import Path

# Compiling is most of what the suite costs, and its programs are small and run a few times. So the
# session's processes (this one, its workers, and the commands and scripts that tests start) share
# what they compile in a folder, which ends with the session. All is set in the environment, which
# they inherit, before JAX is imported.
if "PYTEST_XDIST_WORKER" not in os.environ:
    _programs = tempfile.mkdtemp(prefix="ganfield-programs-")
    atexit.register(shutil.rmtree, _programs, ignore_errors=True)
    os.environ |= {
        "JAX_COMPILATION_CACHE_DIR": _programs,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        # Without most of XLA's optimizations a method's step compiles in six tenths of the time.
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        # There is a worker for each core: threads of NumPy's beside them wait for one another, and
        # dense eigenvalues take four times as long.
        "OPENBLAS_NUM_THREADS": "1",
    }

import jax
import matplotlib as mpl
import pytest

mpl.use("Agg")
# In JAX 0.10 programs compile in a third to a half of the time, and take half the memory, without
# XLA's newer emitters of fused loops and in one piece. An unknown flag ends the process; 0.12 has
# no old emitters, and no flag of it was found to help. Where XLA_FLAGS are set already, also to
# nothing, they stay as they are.
if jax.__version_info__[:2] == (0, 10):
    quick = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
    os.environ.setdefault("XLA_FLAGS", quick)


# Examples that take long to compile. Modules cannot mark theirs.
_SLOW_EXAMPLES = {
    "auxiliary_classifier_gan",
    "classifier",
    "compare",
    "dcgan_discriminator",
    "dcgan_generator",
    "evaluate",
    "info_gan",
    "kernel_distance",
    "load",
    "mode_coverage",
    "penultimate",
    "probe",
    "report",
    "resnet_discriminator",
    "sweep",
    "to_xarray",
    "train",
    "train_classifier",
    "verdict",
}


# Pages that take over six seconds.
_LONG_PAGES = {
    "cycles.md",
    "densities.md",
    "games.md",
    "methods.md",
    "runs.md",
    "spectra_of_networks.md",
    "training.md",
    "vector_fields.md",
}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Pages of the documentation are slow, and so is all that is long."""
    for item in items:
        is_example = isinstance(item, pytest.DoctestItem)
        if is_example and item.path.name in _LONG_PAGES:
            item.add_marker("long")
        if item.get_closest_marker("long") or (
            is_example
            and (item.path.suffix == ".md" or item.name.rsplit(".", 1)[-1] in _SLOW_EXAMPLES)
        ):
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def _no_last_value():
    """Forget what an example showed last: tyro hashes all builtins, and it may hold a list."""
    vars(builtins).pop("_", None)


_TESTS = itertools.count(1)
_MAPS = Path("/proc/self/maps")
_MOST_MAPS = 8_000  # some 2 GB of programs


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


@pytest.fixture(autouse=True)
def _few_programs():
    """Forget compiled programs where there are many.

    Each takes some memory maps, of which Linux allows a process 65,530 by default, and at that
    limit XLA crashes. They are counted after every tenth test; where they cannot be counted, every
    fiftieth forgets.
    """
    yield
    number = next(_TESTS)
    if _MAPS.exists():
        many = number % 10 == 0 and _MAPS.read_bytes().count(b"\n") > _MOST_MAPS
    else:
        many = number % 50 == 0
    if many:
        jax.clear_caches()
