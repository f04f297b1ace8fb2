"""Leading eigenvalues from products, against NumPy, closed forms and what there is to refuse."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.optimize import linear_sum_assignment

import ganfield as gf
from ganfield.spectra._inverse import UnsolvedError, nearest
from ganfield.spectra._leading import Search, leading
from ganfield.spectra._targets import TARGETS, key_of

pytestmark = pytest.mark.usefixtures("x64")


def solve(matrix, num, target, *, seed=0, dtype=float, **kwargs):
    """Return what is found of a matrix, by products alone."""
    matrix = np.asarray(matrix, dtype)
    tolerance = 1e-12 if dtype is float else 1e-5
    search = Search(num, key_of(target), tolerance, **kwargs)
    random = np.random.default_rng(seed)
    return leading(lambda u: matrix @ u, len(matrix), search, random, dtype)


def check(matrix, answer, num, target, *, slack=1e-13):
    """Hold an answer against NumPy's eigenvalues and against its own words."""
    matrix = np.asarray(matrix, float)
    every, key = np.linalg.eigvals(matrix), key_of(target)
    size = np.linalg.norm(matrix, 2)
    backward = np.linalg.norm(
        answer.vectors @ matrix.T - answer.values[:, None] * answer.vectors, axis=1
    )
    np.testing.assert_allclose(answer.residuals, backward, rtol=0, atol=1e-12 * size)
    assert answer.converged.all()
    assert backward.max() <= 1e-11 * size
    assert answer.complete
    # Each is one of NumPy's, no two the same one, and none that is wanted more is left out.
    allowed = slack * size * answer.conditions * 100 + 1e-13 * size
    costs = np.abs(answer.values[:, None] - every)
    rows, columns = linear_sum_assignment(costs)
    assert (costs[rows, columns] <= allowed).all()
    last = key(answer.values[num - 1 : num])[0]
    others = np.delete(every, columns)
    assert np.all(key(others) <= last + allowed.max()) or not others.size


def planted(values, seed, *, normal=True):
    """Return a real matrix with such eigenvalues; of a complex one the conjugate too."""
    blocks = [
        np.array([[v.real, -v.imag], [v.imag, v.real]]) if v.imag else np.array([[v.real]])
        for v in np.asarray(values, complex)
    ]
    size = sum(map(len, blocks))
    matrix, at = np.zeros((size, size)), 0
    for block in blocks:
        matrix[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    turn = np.random.default_rng(seed).normal(size=(size, size))
    if normal:
        turn = np.linalg.qr(turn)[0]
    return np.linalg.solve(turn, matrix @ turn)


@pytest.mark.parametrize("size", [3, 8, 150])
def test_a_multiple_eigenvalue_is_found_as_often_as_it_is_there(size):
    answer = solve(2 * np.eye(size), 3, "largest_real")
    np.testing.assert_array_equal(answer.values, [2, 2, 2])
    np.testing.assert_array_equal(answer.conditions, [1, 1, 1])
    assert answer.complete
    assert answer.converged.all()
    # Three right vectors that are not the same.
    np.testing.assert_allclose(np.linalg.svd(answer.vectors)[1], 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize("copies", [2, 4])
def test_copies_among_many_others(copies):
    rng = np.random.default_rng(copies)
    values = np.concatenate([np.full(copies, 3.0), [2.5, 2.5], rng.uniform(-1, 1, 120)])
    matrix = planted(values, copies)
    answer = solve(matrix, copies + 2, "largest_real")
    np.testing.assert_allclose(answer.values, [3] * copies + [2.5, 2.5], rtol=0, atol=1e-12)
    assert answer.complete
    once = solve(matrix, 2, "largest_real", starts=1)
    assert not once.complete


def test_the_smallest_maps():
    turn = solve([[0, -1], [1, 0]], 2, "largest_imaginary")
    np.testing.assert_allclose(turn.values, [1j, -1j], rtol=0, atol=1e-15)
    assert solve([[0, -1], [1, 0]], 1, "largest_imaginary").values.imag == pytest.approx(1)
    for size in (1, 2, 5):
        nothing = solve(np.zeros((size, size)), 1, "largest_real")
        assert (nothing.values, nothing.zeros, nothing.complete) == (0, size, True)
    assert solve([[3.0]], 1, "unit_circle").values == 3
    both = solve([[1, 0], [0, 0]], 2, "largest_real")  # 0 is listed: there are no two others
    np.testing.assert_allclose(both.values, [1, 0], rtol=0, atol=1e-15)


def test_a_jordan_block_has_a_small_residual_and_a_large_condition():
    block = np.eye(10) + np.diag(np.ones(9), 1)
    answer = solve(block, 10, "largest_real")
    off = np.abs(answer.values - 1)
    assert off.max() > 1e-3  # as LAPACK errs too
    assert answer.residuals.max() < 1e-13
    assert answer.conditions.min() > 1e10
    assert (off <= answer.conditions * 1e-14).all()


@pytest.mark.parametrize("target", [*TARGETS, 0.3 - 0.4j])
def test_targets_against_numpy(target):
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(40, 40))
    check(matrix, solve(matrix, 5, target), 5, target)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(60))
def test_random_maps_of_every_kind_against_numpy(seed):
    rng = np.random.default_rng(seed)
    for _ in range(5):
        size = int(rng.integers(1, 140))
        num = int(rng.integers(1, min(size, 8) + 1))
        target = [*TARGETS, complex(*rng.normal(size=2)), rng.normal()][rng.integers(7)]
        kind = rng.integers(5)
        if kind == 0:
            matrix = rng.normal(size=(size, size))
        elif kind == 1:  # clusters
            centres = rng.normal(size=3) + 1j * rng.normal(size=3)
            matrix = planted(rng.choice(centres, size) + 1e-6 * rng.normal(size=size), seed)
        elif kind == 2:  # copies, some of them pairs
            matrix = planted(rng.choice([2, -1, 1j, 0.5 + 1j], size), seed)
        elif kind == 3:  # far from normal
            matrix = np.triu(rng.normal(size=(size, size)), 1) * 0.2
            matrix += np.diag(rng.uniform(-1, 1, size))
        else:
            half = rng.normal(size=(size, size))
            matrix = (half - half.T) / 2 - 0.1 * np.eye(size)
        answer = solve(matrix, num, target, seed=seed, apart=False)
        check(matrix, answer, num, target)


@pytest.mark.parametrize("jordan", [False, True])
def test_hundreds_of_zeros_are_counted_and_do_not_stall(jordan):
    values = -np.linspace(0.1, 2, 40)
    nilpotent = np.kron(np.eye(150), [[0, float(jordan)], [0, 0]])
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(340, 340)))[0]
    matrix = np.zeros((340, 340))
    matrix[:300, :300], matrix[300:, 300:] = nilpotent, np.diag(values)
    answer = solve(turn @ matrix @ turn.T, 6, "largest_real")
    np.testing.assert_allclose(answer.values, values[:6], rtol=0, atol=1e-12)
    assert answer.complete
    assert answer.zeros == 300 or jordan
    assert answer.zeros > 0
    assert answer.products < 400
    listed = solve(turn @ matrix @ turn.T, 3, "largest_real", apart=False)
    np.testing.assert_allclose(listed.values, 0, rtol=0, atol=1e-7)


@pytest.mark.slow
def test_eigenvalues_that_products_do_not_tell_apart_are_called_incomplete():
    # A normal matrix whose rightmost eigenvalues lie among a thousand that turn fast.
    rng = np.random.default_rng(0)
    real, turning = -rng.uniform(0.01, 1, 400), rng.uniform(0, 100, 400)

    def product(u):
        x, y = u[::2], u[1::2]
        return np.stack([real * x - turning * y, turning * x + real * y], axis=1).ravel()

    search = Search(4, np.real, 1e-12, most_products=400)
    answer = leading(product, 800, search, np.random.default_rng(0))
    assert not answer.complete
    assert answer.products < 420


def test_in_the_midst_of_a_spectrum_inner_systems_are_solved():
    values = np.concatenate([np.linspace(-3, -1, 20), [0.2, 0.2 + 0.5j], np.linspace(0.8, 3, 20)])
    matrix = planted(values, 0)
    for place, expected in ((0.25, [0.2]), (0.3 + 0.4j, [0.2 + 0.5j])):
        search = Search(1, np.abs, 1e-12, most_products=8000)
        random = np.random.default_rng(0)
        answer = nearest(lambda u: matrix @ u, len(matrix), search, place, random, np.dtype(float))
        np.testing.assert_allclose(answer.values[:1], expected, rtol=0, atol=1e-11)
        assert answer.complete
        assert answer.residuals.max() < 1e-11
        few = search._replace(most_products=50)
        with pytest.raises(UnsolvedError):
            nearest(lambda u: matrix @ u, len(matrix), few, place, random, np.dtype(float))


def linear(matrix):
    """Return a field of a matrix, of a vector and a tree, and its point."""
    matrix = jnp.asarray(matrix)
    half = len(matrix) // 2

    def field(params, batch=None):
        x = jnp.concatenate([params.theta, params.phi["a"].ravel(), params.phi["b"][None]])
        moved = matrix.astype(x.dtype) @ x
        inner = moved[half:-1].reshape(params.phi["a"].shape)
        return gf.Players(moved[:half], {"a": inner, "b": moved[-1]})

    rest = len(matrix) - half - 1
    at = gf.Players(jnp.zeros(half), {"a": jnp.zeros((1, rest)), "b": jnp.zeros(())})
    return field, at


@pytest.fixture(scope="module")
def matrix():
    return np.random.default_rng(1).normal(size=(12, 12))


@pytest.mark.slow
def test_vectors_are_trees_and_conditions_those_of_lapack(matrix):
    from scipy.linalg import eig

    field, at = linear(matrix)
    answer = gf.krylov_eigenvalues(field, at, num=5, vectors="both", target="largest_modulus")
    values, covectors, vectors = eig(matrix, left=True, right=True)
    conditions = 1 / np.abs(np.einsum("ij,ij->j", covectors.conj(), vectors))
    order = [int(np.abs(values - value).argmin()) for value in answer.eigenvalues]
    np.testing.assert_allclose(answer.conditions, conditions[order], rtol=1e-9)
    flat = [
        np.concatenate([v.theta, v.phi["a"].reshape(5, -1), v.phi["b"][:, None]], axis=1)
        for v in (answer.right, answer.left)
    ]
    right, left = flat
    assert answer.right.phi["a"].shape == (5, *at.phi["a"].shape)
    np.testing.assert_allclose(right @ matrix.T, answer.eigenvalues[:, None] * right, atol=1e-12)
    products = left.conj() @ matrix
    np.testing.assert_allclose(products, answer.eigenvalues[:, None] * left.conj(), atol=1e-12)
    assert answer.left_residuals.max() < 1e-12
    cross = np.abs(left.conj() @ right.T)
    np.testing.assert_allclose(cross - np.diag(np.diag(cross)), 0, atol=1e-12)


@pytest.mark.slow
def test_it_goes_on_from_what_it_returned():
    rng = np.random.default_rng(0)
    matrix = planted(np.concatenate([[3.0, 2.8, 2.7], rng.uniform(-2, 2, 800)]), 0)
    field, at = linear(matrix)
    stopped = gf.krylov_eigenvalues(field, at, num=3, max_products=40)
    assert not stopped.complete
    assert "may be missing" in repr(stopped)
    ended = gf.krylov_eigenvalues(field, at, num=3, start=stopped)
    np.testing.assert_allclose(ended.eigenvalues, [3, 2.8, 2.7], rtol=0, atol=1e-11)
    assert ended.complete
    again = gf.krylov_eigenvalues(field, at, num=3, start=ended)
    assert again.complete
    np.testing.assert_allclose(again.eigenvalues, ended.eigenvalues, rtol=0, atol=1e-11)
    near, _ = linear(matrix + 1e-3 * rng.normal(size=matrix.shape))
    moved = gf.krylov_eigenvalues(near, at, num=3, start=ended)
    assert moved.complete
    every = np.linalg.eigvals(np.asarray(gf.jacobian(near)(at)))
    np.testing.assert_allclose(moved.eigenvalues, np.sort(every.real)[:-4:-1], rtol=0, atol=1e-10)


@pytest.mark.slow
def test_update_maps_means_of_batches_and_transformed_fields(matrix):
    field, at = linear(matrix)
    consensus = gf.consensus(field, gamma=0.05)
    answer = gf.krylov_eigenvalues(consensus, at, num=3)
    every = np.linalg.eigvals(matrix - 0.05 * matrix.T @ matrix)
    np.testing.assert_allclose(answer.eigenvalues.real, np.sort(every.real)[:-4:-1], atol=1e-12)
    method = gf.simultaneous(optax.sgd(0.1, momentum=0.5))
    F = gf.update_map(method, field, method.init(at))
    near = gf.krylov_eigenvalues(F, num=4, target="unit_circle", vectors="right")
    every = np.linalg.eigvals(np.asarray(F.jacobian(F.point)))
    distances = np.sort(np.abs(np.abs(every) - 1))[:4]
    np.testing.assert_allclose(np.abs(np.abs(near.eigenvalues) - 1), distances, atol=1e-12)
    assert near.right.shape == (4, F.point.size)

    def scaled(params, batch):
        return jax.tree.map(lambda x: batch * x, field(params))

    mean = gf.krylov_eigenvalues(
        gf.spectra.mean_field(scaled), at, jnp.array([1.0, 2.0, 6.0]), num=1
    )
    every = 3 * np.linalg.eigvals(matrix)
    np.testing.assert_allclose(mean.eigenvalues.real, every.real.max(), rtol=1e-12)
    with pytest.raises(ValueError, match="batches must be minibatches stacked"):
        gf.spectra.mean_field(scaled)(at, jnp.ones(()))


@pytest.mark.slow
def test_float32_says_what_it_can_have():
    rng = np.random.default_rng(0)
    matrix = planted(np.concatenate([[4.0, 3.5], rng.uniform(-2, 2, 60)]), 0)
    field, at = linear(matrix)
    single = jax.tree.map(lambda x: x.astype(jnp.float32), at)
    answer = gf.krylov_eigenvalues(field, single, num=2)
    assert answer.tolerance == 1e-5
    assert answer.complete
    assert answer.residuals.max() <= 1e-4 * answer.norm
    np.testing.assert_allclose(answer.eigenvalues.real, [4, 3.5], rtol=1e-5)
    assert gf.krylov_eigenvalues(field, at, num=2).tolerance == 1e-12


def test_the_door_where_people_look_first(matrix):
    field, at = linear(matrix)
    every = np.linalg.eigvals(matrix)
    values = gf.eigenvalues(field, num=2, target="largest_modulus")(at)
    np.testing.assert_allclose(np.abs(values), np.sort(np.abs(every))[:-3:-1], rtol=1e-12)
    assert isinstance(values, jax.Array)
    with pytest.raises(ValueError, match="unknown target 'largest'"):
        gf.eigenvalues(field, num=2, target="largest")


def test_progress_is_told(matrix):
    told = []
    field, at = linear(matrix)
    gf.krylov_eigenvalues(field, at, num=2, progress=lambda *each: told.append(each))
    counts, works = zip(*told, strict=True)
    assert counts[:3] == (0, 0, 1)
    assert counts[-1] == len(counts) - 2
    assert works[-1].name == "krylov_eigenvalues"
    assert works[-1].size == 12


BAD = [
    ({"num": 13}, "num must be at most the number of parameters, 12, got 13"),
    ({"num": 0}, "num must be an integer ≥ 1"),
    ({"num": 1, "target": "largest_reel"}, "did you mean 'largest_real'"),
    ({"num": 1, "target": float("nan")}, "target must be a finite number or one of"),
    ({"num": 1, "target": True}, "target must be a finite number or one of"),
    ({"num": 1, "vectors": "left"}, "unknown vectors 'left'"),
    ({"num": 1, "zeros": "list"}, "did you mean 'listed'"),
    ({"num": 1, "tolerance": 0.0}, "tolerance must be a finite number > 0"),
    ({"num": 1, "starts": 3}, "starts must be an integer from 1 to 2"),
    ({"num": 1, "start": 3}, "start must be what krylov_eigenvalues returned"),
    ({"num": 1, "params": None}, "params must be the point"),
]


@pytest.mark.parametrize(("given", "said"), BAD)
def test_bad_input_is_named_before_anything_is_compiled(matrix, given, said):
    field, at = linear(matrix)
    with pytest.raises(ValueError, match=said):
        gf.krylov_eigenvalues(field, **{"params": at} | given)


@pytest.mark.slow
def test_kinks_infinities_and_tracing_are_refused(matrix):
    field, at = linear(matrix)

    def kinked(params, batch=None):
        return jax.tree.map(jnp.abs, field(params))

    def steep(params, batch=None):
        return jax.tree.map(jnp.sqrt, params)

    with pytest.raises(ValueError, match="it has a kink"):
        gf.krylov_eigenvalues(kinked, at, num=1)
    with pytest.raises(ValueError, match="Jacobian is finite"):
        gf.krylov_eigenvalues(steep, at, num=1)
    with pytest.raises(ValueError, match=r"outside of jax\.jit"):
        jax.jit(lambda at: gf.krylov_eigenvalues(field, at, num=1))(at)


def test_what_does_not_fit_names_its_size_and_the_call_without_the_matrix(monkeypatch):
    monkeypatch.setattr("ganfield._memory.free_memory", lambda: 2.0**30)
    size = 10**5
    v = gf.vector_field(gf.games.quadratic())
    at = gf.Players(jnp.zeros(size // 2), jnp.zeros(size // 2))
    for call in (gf.jacobian(v), gf.eigenvalues(v), lambda at: gf.classify(v, at)):
        with pytest.raises(ValueError, match=r"GiB, more than.*gf\.krylov_eigenvalues"):
            call(at)
