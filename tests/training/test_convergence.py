"""What a run says of its own convergence: tables, verdicts, gaps, spectra; also resumed."""

import csv

import jax
import numpy as np
import pytest

import ganfield as gf
from ganfield.runs._tables import METRICS, PATH, SIGNS, Table
from ganfield.training._signs import agreement, place, sketch
from tests.cases import SOLVERS
from tests.training.tiny import CONFIG, rows

train = gf.training.train
OFTEN = CONFIG.replace({"record_every": 2, "num_steps": 60, "evaluate_every": 60})


def column(folder, name, table="path.csv"):
    return np.array([float(row[name]) for row in rows(folder, table)])


def test_a_sketch_keeps_distances_and_is_linear():
    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, 200, 501))
    sketches = [np.stack([sketch([x[:300], x[300:]]) for x in each]) for each in (one, other)]
    np.testing.assert_allclose(
        np.stack([sketch([x[:300], x[300:]]) for x in one - 2 * other]),
        sketches[0] - 2 * sketches[1],
        atol=1e-9,
    )
    # 8 numbers: squared lengths are off by half of them at the most usual, by none on average.
    ratios = np.sum(sketches[0] ** 2, 1) / np.sum(one**2, 1)
    assert abs(ratios.mean() - 1) < 0.1
    assert 0.35 < ratios.std() < 0.65
    row = place(gf.Players({"a": np.ones((2, 3)), "b": np.zeros(2)}, np.full(4, 2.0)))
    assert {*row} == {*PATH}
    assert (row["norm_theta"], row["norm_phi"]) == (6**0.5, 4.0)


def test_agreement_of_minibatches():
    """v_θ is the mean of the real examples, so both are known; v_φ knows no batch at all."""

    def field(params, batch):
        del params
        return gf.Players(batch.real.mean(0), jax.numpy.ones(3))

    real = np.random.default_rng(0).normal(size=(9, 2))
    batch = gf.Batch(jax.numpy.asarray(real), jax.numpy.zeros((9, 1)))
    told = agreement(field, gf.Players(0.0, 0.0), batch)
    one, two = real[:4].mean(0), real[4:8].mean(0)
    cosine = one @ two / (np.linalg.norm(one) * np.linalg.norm(two))
    assert float(told["agreement_theta"]) == pytest.approx(cosine, rel=1e-4)
    assert float(told["agreement_phi"]) == pytest.approx(1.0)
    alone = agreement(field, gf.Players(0.0, 0.0), jax.tree.map(lambda x: x[:1], batch))
    assert np.isnan(float(alone["agreement_theta"]))


def test_a_table_of_an_earlier_version_goes_on_without_the_later_columns(tmp_path):
    columns = ("step", "seconds", *METRICS, *SIGNS, "warnings")
    row = dict.fromkeys(columns, 0.5) | {"step": 3, "warnings": ""}
    old = Table(tmp_path / "metrics.csv", ("step", "seconds", *METRICS, "warnings"))
    old.append({name: row[name] for name in old.columns})
    before = (tmp_path / "metrics.csv").read_text()
    table = Table(tmp_path / "metrics.csv", columns, later=SIGNS)
    table.append(row | {"step": 4})
    after = (tmp_path / "metrics.csv").read_text()
    assert after.startswith(before)
    assert len(after.splitlines()[-1].split(",")) == len(old.columns)
    with pytest.raises(ValueError, match=r"must have the columns"):
        table.append({name: value for name, value in row.items() if name != "diversity"})


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A run with all that can be measured on the way, and another, interrupted after 25 steps."""
    config = OFTEN.replace({"num_steps": 40, "checkpoint_every": 10, "batch_size": 16})
    folders = [tmp_path_factory.mktemp("measured") / name for name in ("whole", "cut")]
    options = {"spectrum_every": 20, "duality_gap": 3}
    said = []
    result = train(config, folders[0], **options, listen=said.append)
    train(config, folders[1], **options, num_steps=25)
    train(config, folders[1], **options)
    return config, folders, result, said


@pytest.mark.long
def test_tables_are_the_same_after_a_resume(measured):
    _, (whole, cut), _, _ = measured
    for name in ("metrics", "path", "gaps", "spectrum"):
        assert rows(whole, f"{name}.csv") == rows(cut, f"{name}.csv"), name
    assert [int(row["step"]) for row in rows(whole, "spectrum.csv")][-2:] == [20, 40]
    assert gf.runs.verdict(whole) == gf.runs.verdict(cut)


@pytest.mark.long
def test_a_run_ends_with_its_verdict(measured):
    _, (whole, _), result, said = measured
    assert result.verdict == gf.runs.verdict(whole) == gf.runs.load(whole).verdict
    assert result.verdict.outcome in gf.stability.VERDICTS
    assert said[-1] == f"{result.verdict.outcome}: {result.verdict.reason}"
    assert result.verdict.evidence["records"] == 21
    assert "gap" in result.verdict.evidence


@pytest.mark.long
def test_gaps_are_those_of_the_library(measured):
    config, (whole, _), result, _ = measured
    built = gf.configuration.build(config)
    sample, key = built.sampler(), gf.configuration.random_keys(config).metrics
    seen = [2**30 + 40 * 3 + i for i in range(3)] + [40]
    batches = [sample(jax.random.fold_in(key, step)) for step in seen]
    stacked = jax.tree.map(lambda *leaves: jax.numpy.stack(leaves), *batches)
    (optimizer,) = {gf.configuration.make_optimizers(config.method).theta}
    # The keys of the library's own steps, 0 to 3, find these batches.
    keys = [jax.random.key_data(jax.random.fold_in(jax.random.key(0), i)) for i in range(4)]

    def of(key):
        matches = jax.numpy.stack([(jax.random.key_data(key) == each).all() for each in keys])
        return jax.tree.map(lambda leaf: leaf[jax.numpy.argmax(matches)], stacked)

    gap = gf.duality_gap(
        built.game, result.params, num_steps=3, optimizer=optimizer,
        sample=of, key=jax.random.key(0),
    )  # fmt: skip
    row = rows(whole, "gaps.csv")[-1]
    assert float(row["gain_theta"]) == pytest.approx(gap.gain_theta, rel=1e-3, abs=1e-6)
    assert float(row["gain_phi"]) == pytest.approx(gap.gain_phi, rel=1e-3, abs=1e-6)


@pytest.mark.long
def test_the_spectrum_is_that_of_the_checkpoint(measured):
    config, (whole, _), _, said = measured
    run = gf.runs.load(whole)
    key = gf.configuration.random_keys(config).metrics
    batch = run._built._replace(data=run.data).sampler()(jax.random.fold_in(key, 40))
    matrix = np.asarray(gf.jacobian(run.original)(run.params, batch), float)
    v = np.linalg.eigvals(matrix)
    row = rows(whole, "spectrum.csv")[-1]
    assert float(row["v_real_1"]) == pytest.approx(v.real.max(), rel=1e-3)
    assert abs(float(row["v_turning_imag_1"])) == pytest.approx(np.abs(v.imag).max(), rel=1e-3)
    assert row["w_real_1"] == row["w_rotation"] == row["w_rotation_error"] == "nan"
    share = np.linalg.norm((matrix - matrix.T) / 2) ** 2 / np.linalg.norm(matrix) ** 2
    error = float(row["v_rotation_error"])
    assert 0 < error < 0.1
    assert abs(float(row["v_rotation"]) - share) < 4 * error
    F = gf.spectra.moving_map(run.method, run.field, run.state, batch)
    radius = np.abs(np.linalg.eigvals(np.asarray(F.jacobian(F.point)))).max()
    assert float(row["radius"]) == pytest.approx(radius, rel=1e-5)
    assert int(row["stable"]) == int(radius <= 1)
    assert sum("leaves the stable region" in line for line in said) == 1
    assert sum(line.startswith("spectrum: ") for line in said) == 1


COLLAPSE = {
    # The discriminator stands still, and the generator runs to where it is surest.
    "method.learning_rate": 0.02, "method.phi_learning_rate": 1e-9, "method.optimizer": "adam",
}  # fmt: skip
DIVERGENCE = {
    # Points have no bounds, and the objective has no least value.
    "data.name": "ring", "data.size": None, "game.objective": "wasserstein",
    "method.optimizer": "sgd", "method.learning_rate": 2.0,
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize(
    ("changes", "outcome"), [(COLLAPSE, "collapsed"), (DIVERGENCE, "diverging")]
)
def test_a_collapse_and_a_divergence_made_on_purpose(changes, outcome, tmp_path):
    result = train(OFTEN.replace({"num_steps": 120} | changes), tmp_path)
    assert result.verdict.outcome == outcome, result.verdict


# Inner solves compile for long; `tests/stability/test_verdict.py` has every method on two numbers.
QUICK_METHODS = [name for name in gf.METHODS if name not in SOLVERS]


@pytest.mark.long
@pytest.mark.parametrize("data", ["digits", "ring"])
@pytest.mark.parametrize("method", [*QUICK_METHODS, "consensus"])
def test_nothing_is_said_to_have_converged_at_once(method, data, tmp_path):
    """After 60 steps from a random start nothing has settled, and nothing has come back."""
    changes = {"method.name": method, "data.name": data}
    if method == "consensus":
        changes |= {"method.name": "simultaneous", "method.transform": method, "method.gamma": 1.0}
    if data == "ring":
        changes["data.size"] = None
    told = train(OFTEN.replace(changes), tmp_path).verdict
    assert told.outcome == "undecided", told


def test_a_run_without_a_path_is_undecided(tmp_path):
    (tmp_path / "config.json").write_text(OFTEN.to_json())
    with (tmp_path / "metrics.csv").open("w") as file:
        csv.writer(file).writerows([("step", *METRICS), (0, *(1.0 for _ in METRICS))])
    told = gf.runs.verdict(tmp_path)
    assert (told.outcome, "no path.csv" in told.reason) == ("undecided", True)


def test_another_pace_leaves_the_evenly_spaced_end(tmp_path):
    """Rows of an earlier pace are left out, and so is a last one that comes early."""
    config = OFTEN.replace({"record_every": 10})
    (tmp_path / "config.json").write_text(config.to_json())
    steps = [*range(0, 300, 100), *range(300, 700, 10), 695]
    for name, columns in (("path", PATH), ("metrics", ("diversity",))):
        with (tmp_path / f"{name}.csv").open("w") as file:
            table = [(step, *(np.exp(-step / 50) for _ in columns)) for step in steps]
            csv.writer(file).writerows([("step", *columns), *table])
    evidence = gf.runs.verdict(tmp_path).evidence
    assert (evidence["records"], evidence["step"], evidence["every"]) == (40, 690, 10)


@pytest.mark.parametrize("name", ["spectrum_every", "duality_gap"])
def test_counts_are_checked_before_anything_is_made(name, tmp_path):
    with pytest.raises(ValueError, match=f"{name} must be an integer ≥ 1, got 0"):
        train(CONFIG, tmp_path / "run", **{name: 0})
    assert not (tmp_path / "run").exists()
