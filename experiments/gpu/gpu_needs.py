"""What a run needs, and what of it is missing. Nothing here imports more than Python has."""

import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

EXPERIMENTS = Path(__file__).resolve().parents[1]
FOLDERS = [str(EXPERIMENTS / name) for name in ("gpu", "benchmarks", "numerics_of_gans")]
FOLDERS.append(str(EXPERIMENTS.parent))
"""Where ganfield and the other experiments are, installed or not."""

PACKAGES = {
    "jax": "jax[cuda13]",
    "numpy": "numpy",
    "optax": "optax",
    "flax": "flax",
    "orbax.checkpoint": "orbax-checkpoint",
    "matplotlib": "matplotlib",
    "scipy": "scipy",
    "PIL": "pillow",
    "rich": "rich",
}
"""Module → what is to be installed."""

LAYOUTS = (
    "cifar-10-batches-bin",
    "cifar-10-batches-py",
    "cifar-10-binary.tar.gz",
    "cifar-10-python.tar.gz",
    "data_batch_1.bin",
    "data_batch_1",
)
"""What a folder of CIFAR-10 has one of; `ganfield.data.cifar10` reads them all."""

PACKED, UNPACK = "cifar10-jpeg.tar.xz", "unpack_cifar10.py"
"""Or an archive of JPEGs, and beside it the script that writes the binary layout from it."""

_PROBE = """
import json, jax
about = {"platform": jax.default_backend(), "kind": jax.devices()[0].device_kind,
         "count": jax.device_count(), "jax": jax.__version__}
try:
    from ganfield.reporting import provenance
    about |= {name: of for name, of in provenance().items() if name in ("commit", "versions")}
except ImportError:
    pass
print(json.dumps(about))
"""


class MissingError(Exception):
    """Something that the run needs is not there; the message says what, a line for each."""


def child_environment() -> dict[str, str]:
    """Return the environment of the processes that compute: several share one GPU's memory."""
    environment = dict(os.environ)
    environment.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    before = [path for path in (os.environ.get("PYTHONPATH"),) if path]
    environment["PYTHONPATH"] = os.pathsep.join([*FOLDERS, *before])
    return environment


def check(data: Path | None, *, needs_data: bool, any_device: bool) -> dict[str, Any]:
    """Return what computes: "platform", "kind", "jax", "cpu_cores", "torch" or None, and more.

    Args:
        data: the folder of CIFAR-10.
        needs_data: whether it must be there.
        any_device: whether a CPU will do.

    Raises:
        MissingError: something is missing; all of it is told.
    """
    missing = [
        f"the package {module.partition('.')[0]}: pip install '{name}'"
        for module, name in PACKAGES.items()
        if importlib.util.find_spec(module.partition(".")[0]) is None
    ]
    if needs_data:
        missing += missing_data(data)
    device: dict[str, Any] = {}
    if importlib.util.find_spec("jax") is not None:
        device, error = probe()
        if error:
            missing.append(f"a JAX that starts; it says: {error}")
        elif device["platform"] != "gpu" and not any_device:
            missing.append(
                f"a JAX that sees a GPU: JAX {device['jax']} here sees {device['platform']} alone. "
                "pip install 'jax[cuda13]', or --small to try everything on a CPU"
            )
    if missing:
        raise MissingError("\n".join(f"missing: {each}" for each in missing))
    there = importlib.util.find_spec("torch") is not None
    version = importlib.metadata.version("torch") if there else None
    return device | {"cpu_cores": os.cpu_count(), "torch": version}


def probe() -> tuple[dict[str, Any], str]:
    """Return what JAX sees, or what it says where it does not start, asked in another process."""
    try:
        answer = subprocess.run(
            [sys.executable, "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
            env=child_environment(),
            cwd=EXPERIMENTS,
        )
    except subprocess.TimeoutExpired:
        return {}, "nothing for three minutes"
    if answer.returncode:
        return {}, (answer.stderr.strip().splitlines() or ["nothing"])[-1]
    device: dict[str, Any] = json.loads(answer.stdout.strip().splitlines()[-1])
    return device, ""


def missing_data(folder: Path | None) -> list[str]:
    """Return what is missing of CIFAR-10, in words; nothing where it is there."""
    if folder is None:
        return ["CIFAR-10, for training: --data FOLDER"]
    if any((folder / name).exists() for name in LAYOUTS):
        return []
    if (folder / PACKED).exists():
        return [] if (folder / UNPACK).exists() else [f"{UNPACK} beside {folder / PACKED}"]
    return [f"CIFAR-10 in {folder}: it has none of {', '.join((*LAYOUTS, PACKED))}"]


def unpacked(folder: Path, target: Path) -> Path:
    """Return a folder that `ganfield.data.cifar10` reads: this one, or what is unpacked from it.

    Raises:
        MissingError: the script that unpacks failed.
    """
    if any((folder / name).exists() for name in LAYOUTS):
        return folder
    # It is the last file to be written.
    if not (target / LAYOUTS[0] / "batches.meta.txt").exists():
        script = [sys.executable, str(folder / UNPACK), str(target)]
        answer = subprocess.run(script, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise MissingError(f"{folder / UNPACK} failed: {answer.stderr.strip()[-500:]}")
    return target
