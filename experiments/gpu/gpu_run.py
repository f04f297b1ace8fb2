"""All that is to be measured on one GPU, in parts of minutes.

    python experiments/gpu/gpu_run.py --data DIR --minutes 60
    python experiments/gpu/gpu_run.py --part benchmarks
    python experiments/gpu/gpu_run.py --small --part benchmarks     # on a CPU, to try it

First the machine's floor and the benchmarks beside PyTorch, then the official comparison on
CIFAR-10. What is missing is said at once. Killed or out of time at any moment, the next start goes
on. README.md beside this script says what each part measures and what travels between machines.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

import gpu_needs
from gpu_needs import MissingError
from gpu_plan import FULL, PRECISIONS, SMALL, benchmarks, floors
from gpu_state import State, pack, restore, write_report

RESERVE = 20.0
"""Seconds at the end of a part for figures and archives."""


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return the options; argparse's, since what else reads options may be missing."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--part", choices=("all", "benchmarks", "training"), default="all")
    add("--minutes", type=float, default=8.5, help="end after so many; the next start goes on")
    add("--data", type=Path, help="folder of CIFAR-10, or of its packed form; for training")
    add("--state", type=Path, default=Path("results/gpu"), help="what later parts go on from")
    add("--restore", type=Path, help="folder with a packed state, where --state has none")
    add("--pack", type=Path, help="folder for report.zip and the packed state; that of --state")
    add("--precision", choices=PRECISIONS, default="tf32", help="of training")
    add("--profile", action="store_true", help="profile what is 3 times slower than its floor")
    add("--only", default="", help="measure rows whose names have this text")
    add("--small", action="store_true", help="try everything at small scale, on a CPU too")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run a part, and return the exit code: 0, or 3 if there is more to do, or 2."""
    chosen = options(arguments)
    deadline = time.time() + 60 * chosen.minutes - RESERVE
    needs_data = chosen.part != "benchmarks" and not chosen.small
    try:
        device = gpu_needs.check(chosen.data, needs_data=needs_data, any_device=chosen.small)
        said = f"PyTorch {device['torch']}" if device["torch"] else "no PyTorch, so no ratios to it"
        print(f"{device['kind']}, JAX {device['jax']}, {said}", flush=True)
        if chosen.restore is not None and restore(chosen.restore, chosen.state):
            print(f"going on from the state in {chosen.restore}")
        state = State(chosen.state)
        if state.content.setdefault("small", chosen.small) != chosen.small:
            raise ValueError(f"the state in {chosen.state} is of the other scale (--small)")
        data = None
        if needs_data:
            data = gpu_needs.unpacked(chosen.data.resolve(), state.folder.resolve() / "cifar10")
    except (MissingError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    # What was compiled once is not compiled again, also in the processes that this one starts.
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(state.folder.resolve() / "programs"))
    sys.path[:0] = gpu_needs.FOLDERS
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    state.content["parts"].append(
        {"began": time.strftime("%Y-%m-%d %H:%M"), "part": chosen.part, "device": device}
    )
    try:
        done = work(state, chosen, data, deadline)
    except KeyboardInterrupt:
        done = False
    finally:
        leave(state, chosen.pack or state.folder, figures=True)
    print("all done" if done else "there is more to do: start it again")
    return 0 if done else 3


def work(state: State, chosen: argparse.Namespace, data: Path | None, deadline: float) -> bool:
    """Measure and train until the time is over; return whether all is done."""
    # What is missing has been told: from here on ganfield and what it needs is imported.
    import gpu_measure
    import gpu_training

    scale = SMALL if chosen.small else FULL
    done = True

    def saved() -> None:
        leave(state, chosen.pack or state.folder, figures=False)

    if chosen.part != "training":
        rows = [row for row in benchmarks(scale) if chosen.only in row.key]
        peers = gpu_measure.start_peers(state)
        try:
            done = gpu_measure.measure_rows(
                state,
                [*floors(scale), *rows],
                scale,
                peers=peers,
                deadline=deadline,
                profile=chosen.profile,
                saved=saved,
            )
        finally:
            for peer in peers.values():
                peer.close()
    if chosen.part != "benchmarks":
        trained = gpu_training.train_all(
            state,
            scale,
            data=data,
            precision=chosen.precision,
            deadline=deadline,
            saved=saved,
        )
        done = done and trained
    return done


def leave(state: State, folder: Path, *, figures: bool) -> None:
    """Write the archive of results and the packed state, and say what has no room in it."""
    import gpu_report

    gpu_report.add_scores(state)
    state.save()
    if figures:
        try:
            gpu_report.draw(state)
        except (OSError, ValueError, KeyError, IndexError) as error:
            print(f"the figures could not be drawn: {error}", file=sys.stderr)
    left_out = pack(state, folder)
    write_report(folder / "report.zip", gpu_report.files(state))
    if figures:
        print(gpu_report.tables(state.content))
        print(f"results: {folder / 'report.zip'}; the state is packed beside it")
        if left_out:
            print(f"too large to be packed, {state.folder} alone has them: {', '.join(left_out)}")


if __name__ == "__main__":
    sys.exit(main())
