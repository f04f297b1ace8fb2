"""Leading eigenvalues of v′, of w′ and of the step, along the training of image GANs.

Expected, if the paper's explanation holds beyond the ring: under alternating steps v′ keeps
eigenvalues that turn much faster than they shrink, and w′ of consensus has moved the same ones to
the left. And a step that runs should have all eigenvalues of F′ in the unit circle, or near it.

    python experiments/spectra/spectra.py
    python experiments/spectra/spectra.py --data cifar-10-batches-bin --num-steps 2000
"""

if __name__ == "__main__":  # Ctrl-C ends the imports, too, in a sentence.
    import ganfield.program

    ganfield.program.begin()

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import ganfield as gf
from ganfield.cli import script
from spectra_figures import draw

HERE = Path(__file__).parent
PAIR_STEPS = 20  # over which two runs from nearby places are watched
DISTANCE = 1e-3  # of them at the start, as a share of the parameters' norm
HEAD = (
    "run", "step", "v′: largest Re", "v′: fastest turn", "w′: largest Re", "w′: fastest turn",
    "largest modulus of F′", "grows by", "verdict",
)  # fmt: skip


@dataclass(frozen=True)
class Config:
    """Train an image GAN by three methods, and follow the eigenvalues that lead."""

    data: Path | None = None
    """Folder of CIFAR-10: then dcgan4_nobn_cf is trained, and not a small network on digits."""
    num_steps: int = 1500
    """Steps of each run."""
    num_snapshots: int = 3
    """At how many steps of a run eigenvalues are sought, evenly spaced."""
    gamma: float = 10.0
    """γ of consensus, and of w′ in all runs."""
    penalty_weight: float = 10.0
    """γ of R1."""
    num: int = 3
    """Eigenvalues of each kind."""
    max_products: int = 150
    """With which each kind is sought."""
    batch_size: int = 64
    """Real images, and latent variables, that the eigenvalues are those of."""
    seed: int = 0
    """Of everything that is random."""
    quick: bool = False
    """A perceptron and a few steps, to see that all of it works: less than a minute."""
    publish: bool = False
    """Put table and figures into this folder's README.md and figures/."""
    output: Path = Path("results/spectra")
    """Folder for result.json, the figures and the runs."""


def runs_of(config: Config) -> dict[str, gf.configuration.Config]:
    """Return name → what is trained; the runs differ in what their names say."""
    base = gf.configuration.preset(
        "digits/alternating" if config.data is None else "cifar10/altgd_2"
    )
    every = max(config.num_steps // config.num_snapshots, 1)
    paces: dict[str, Any] = {"checkpoint_every": every, "keep": config.num_snapshots + 1}
    paces |= {"evaluate_every": config.num_steps, "record_every": max(config.num_steps // 100, 1)}
    if config.data is not None:
        paces["data.folder"] = str(config.data.absolute())
    if config.quick:
        for player in ("generator", "discriminator"):
            paces |= {f"{player}.architecture": "mlp", f"{player}.width": 8}
            paces |= {f"{player}.num_layers": 1, f"{player}.growing": True}
        paces |= {"data.size": 8, "latent_size": 3, "batch_size": 16}
    shared = {"seed": config.seed, "num_steps": config.num_steps, **paces}
    consensus = {"method.name": "simultaneous", "method.transform": "consensus"}
    penalty = {"game.penalty": "r1", "game.penalty_weight": config.penalty_weight}
    changes = {
        "alternating": {},
        "consensus": {**consensus, "method.gamma": config.gamma},
        "R1": penalty,
    }
    return {name: base.replace({**shared, **each}) for name, each in changes.items()}


def leading(field: Any, params: Any, batch: Any, target: str, config: Config) -> dict[str, Any]:
    """Return leading eigenvalues as a row, with what tells how far they are to be believed."""
    began = time.perf_counter()
    told = gf.krylov_eigenvalues(
        field, params, batch, num=config.num, target=target, starts=1,
        max_products=config.max_products, vectors="right" if params is None else "none",
        progress=False,
    )  # fmt: skip
    return {
        "eigenvalues": told.eigenvalues,
        "residuals": told.residuals,
        "conditions": told.conditions,
        # One whose residual is small may not be the one that leads, where the search was cut short.
        "converged": told.converged & (told.products < config.max_products),
        "products": told.products,
        "seconds": time.perf_counter() - began,
        "right": told.right,
    }


def look(run: gf.runs.SavedRun, config: Config) -> dict[str, Any]:
    """Return all eigenvalues at a checkpoint, and by how much two runs from there come apart."""
    sizes = {**gf.configuration.batch_sizes(run.config), "batch_size": config.batch_size}
    batch = gf.data.batch_sampler(run.data, **sizes)(jax.random.key(config.seed))
    w = gf.consensus(run.original, gamma=config.gamma)
    state = jax.tree.map(jnp.asarray, run.state)
    F = gf.spectra.moving_map(run.method, run.field, state, batch)
    kinds = {
        "v": leading(run.original, state.params, batch, "largest_real", config),
        "v_turning": leading(run.original, state.params, batch, "largest_imaginary", config),
        "w": leading(w, state.params, batch, "largest_real", config),
        "w_turning": leading(w, state.params, batch, "largest_imaginary", config),
        "step": leading(F, None, None, "largest_modulus", config),
    }
    vector = np.real(kinds["step"]["right"][0])
    for kind in kinds.values():
        del kind["right"]
    return {"step": run.step, "spectra": kinds, "grows_by": grows_by(run, F, vector, config)}


def grows_by(run: gf.runs.SavedRun, F: Any, vector: np.ndarray, config: Config) -> float:
    """Return by what a distance along the leading vector is multiplied in a step of the run itself.

    The run goes on for some steps beside one that starts a little off, both with fresh minibatches,
    the same for both, and both with their own second moments.
    """
    size = float(np.sqrt(sum(np.vdot(x, x) for x in jax.tree.leaves(run.params))))
    offset = DISTANCE * size * vector / np.linalg.norm(vector)
    states = [F.unravel(F.point), F.unravel(F.point + jnp.asarray(offset, F.point.dtype))]

    @jax.jit
    def follow(state: gf.State, sample: Any) -> Any:
        # It begins with the memory of the run, and not with a fresh one.
        method = run.method._replace(init=lambda params: state._replace(params=params))
        return gf.simulate(
            method, run.field, state.params, num_steps=PAIR_STEPS, sample=sample,
            key=jax.random.key(config.seed + 1),
        ).params  # fmt: skip

    sample = run.sample  # which is another function each time that it is asked for
    ends = [follow(state, sample) for state in states]

    def apart(one: Any, other: Any) -> float:
        squares = jax.tree.map(lambda x, y: float(jnp.sum((x - y) ** 2)), one, other)
        return float(np.sqrt(sum(jax.tree.leaves(squares))))

    return (apart(*ends) / apart(*(state.params for state in states))) ** (1 / PAIR_STEPS)


def number(value: complex) -> str:
    """Return an eigenvalue for a table."""
    imaginary = "" if abs(value.imag) < 1e-9 else f" ± {abs(value.imag):.3g}i"
    return f"{value.real:.3g}{imaginary}".replace("-", "−")


def rows_of(results: dict[str, Any]) -> list[list[str]]:
    """Return the table's rows: the first eigenvalue of each kind, marked where not converged."""
    rows = []
    for name, result in results.items():
        for shot in result["snapshots"]:
            cells = []
            for kind in ("v", "v_turning", "w", "w_turning", "step"):
                told = shot["spectra"][kind]
                first = complex(told["eigenvalues"][0])
                said = f"{abs(first):.4f}" if kind == "step" else number(first)
                cells.append(said if told["converged"][0] else f"{said} *")
            is_last = shot is result["snapshots"][-1]
            verdict = result["verdict"]["outcome"] if is_last else ""
            rows.append([name, str(shot["step"]), *cells, f"{shot['grows_by']:.4f}", verdict])
    return rows


def main(config: Config) -> None:
    """Run the experiment."""
    if config.quick:
        config = replace(
            config, num_steps=30, num_snapshots=1, num=1, max_products=60, batch_size=16
        )
        # What takes long are some 30 programs that each run a few times.
        jax.config.update("jax_disable_most_optimizations", True)
    for name in ("num_steps", "num_snapshots", "num", "max_products", "batch_size"):
        gf.checks.check_count(getattr(config, name), argument=name)
    gf.checks.check_seed(config.seed, argument="seed")
    experiment = gf.reporting.Experiment(config)
    results: dict[str, Any] = {}
    for name, run_config in runs_of(config).items():
        folder = experiment.folder / "runs" / name
        result = gf.training.train(run_config, folder)
        verdict = gf.runs.verdict(folder, stopped_at=result.stopped_at)
        trained = experiment.lap()
        steps = [step for step in gf.runs.load(folder).steps if step > 0]
        snapshots = [look(gf.runs.load(folder, step), config) for step in steps]
        results[name] = {
            "verdict": verdict._asdict(),
            "parameters": sum(x.size for x in jax.tree.leaves(result.params)),
            "snapshots": snapshots,
            "seconds": {"training": trained, "spectra": experiment.lap()},
        }
        print(f"{name}: trained in {trained:.0f} s; {verdict.outcome}", flush=True)
    experiment.save("result.json", results=results)
    draw(results, experiment.folder)
    if config.publish:
        figures = gf.reporting.check_folder(HERE / "figures")
        draw(results, figures)
        (figures / "result.json").write_bytes((experiment.folder / "result.json").read_bytes())
        text = gf.reporting.table(HEAD, rows_of(results), markdown=True) + "\n"
        gf.reporting.publish(HERE / "README.md", "table", text)
    experiment.finish(gf.reporting.table(HEAD, rows_of(results)), "*: the search was cut short")


if __name__ == "__main__":
    script(main, Config)
